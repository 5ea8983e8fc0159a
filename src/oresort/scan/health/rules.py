"""One layer's lines under all rules: what is faulty on them, mended where that is honest and marked where not."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from oresort.scan.fault import runs
from oresort.scan.health import patches
from oresort.scan.health.levels import LOST, THERE
from oresort.scan.health.patch import Patch, mend, rectangles
from oresort.scan.health.patches import OPAQUE
from oresort.scan.health.strips import darker, strips


class Rules:
    """Looks for all that may be wrong with lines, for which it passes over them many times.

    Args:
        live: columns (W,) that are not dead.
        limits: of noise.
        quiet: range of counts (W,) below which a column hardly changes; None: pixels repeat each other by chance.
    """

    def __init__(self, live: NDArray[np.bool_], limits: patches.Limits, quiet: NDArray[np.uint16] | None) -> None:
        self._live, self._limits, self._quiet = live, limits, quiet
        self._going_on = self._nothing = np.zeros(len(live), np.bool_)

    def skip(self) -> None:
        """Know that nothing is wrong on the lines in question."""
        self._going_on = self._nothing

    def edged(self, lines: NDArray[np.float32], columns: NDArray[np.intp]) -> bool:
        """Tell whether what is opaque on the lines in question (n, W), in ascending `columns` alone, has an edge."""
        span = slice(max(int(columns[0]) - patches.BESIDE, 0), int(columns[-1]) + patches.BESIDE + 1)
        part = np.ascontiguousarray(lines[:, span])
        return patches.edged(part, part < OPAQUE, self._going_on[span]) is not None

    def __call__(
        self, came: NDArray[np.float32], counts: NDArray[np.uint16], state: NDArray[np.uint8], top: int
    ) -> tuple[NDArray[np.float32], list[Patch]]:
        """Return lines in question (n, W), from line `top` on, mended, and what is faulty on them.

        `counts` are the same as they came, and `state` (n,) says which are there; what came is left as it is.
        """
        lines, gone = came, state != THERE
        if gone.any():
            # as a line that is there: the rules look at the others
            here = np.flatnonzero(~gone)
            if here.size:
                lines = lines.copy()
                lines[gone] = lines[here[np.searchsorted(here, np.flatnonzero(gone)).clip(0, here.size - 1)]]
        found = self._patches(lines, counts, gone, top)
        # by now nothing depends on what stood there
        fixed, told = lines, []
        if lines is came and (found or gone.any()):
            fixed = lines.copy()
        for patch in found:
            told.append(patch._replace(mended=mend(fixed, patch, top)))
        for span in runs(np.flatnonzero(gone)):
            kind = "lost" if (state[span] == LOST).any() else "repeated"
            whole = Patch(kind, top + span.start, top + span.stop, 0, lines.shape[1], False)
            told.append(whole._replace(mended=mend(fixed, whole, top)))
        return fixed, told

    def _patches(
        self, lines: NDArray[np.float32], counts: NDArray[np.uint16], gone: NDArray[np.bool_], top: int
    ) -> list[Patch]:
        """Return what is faulty on lines (n, W) of which some are not there."""
        seen, width = _Seen(lines, self._live, gone), lines.shape[1]
        edged = patches.edged(lines, seen.dark, self._going_on)
        stuck = None
        if self._quiet is not None:
            stuck = _either(patches.repeating(counts, seen), patches.steady(counts, self._quiet, seen))
        masks = {"stuck": stuck, "noisy": patches.noisy(lines, self._limits)}
        known = _either(*masks.values())
        # what is known makes nothing beside it bright
        shown = lines if known is None else np.where(known > 0, np.float32(1), lines)
        dark = strips(lines[:, None], darker(lines.min(axis=0)[None], float(lines.max())))
        masks["dark"] = _either(None if dark is None else patches.widened(dark[:, 0], width), edged)
        if (bright := patches.glaring(patches.narrowed(shown))) is not None:
            masks["bright"] = patches.widened(bright, width)
        # the next lines in question begin where this row lies
        row = max(len(lines) - 2 * patches.REACH, 0)
        self._going_on = self._nothing if edged is None else edged[row] > 0
        return [patch for kind, mask in masks.items() if mask is not None for patch in rectangles(mask, kind, top)]


class _Seen:
    """Where anything but opaque is; asked only where something is found."""

    def __init__(self, lines: NDArray[np.float32], live: NDArray[np.bool_], gone: NDArray[np.bool_]) -> None:
        self._lines, self._live, self._gone = lines, live, gone

    @cached_property
    def dark(self) -> NDArray[np.bool_]:
        return self._lines < OPAQUE

    @cached_property
    def all(self) -> NDArray[np.bool_]:
        return self._live & ~self.dark & ~self._gone[:, None]

    def __call__(self) -> NDArray[np.bool_]:
        return self.all


def _either(one: patches.Mask | None, other: patches.Mask | None) -> patches.Mask | None:
    return one if other is None else other if one is None else np.bitwise_or(one, other)
