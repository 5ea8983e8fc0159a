"""A quick look at lines as they come: a few figures of them, from which nearly all rules see that they find nothing."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.health import patches
from oresort.scan.health.patches import STRETCH


class Look(NamedTuple):
    """What a stretch of lines looks like."""

    cells: NDArray[np.float32]  # (n, W / 4), means of four columns
    darkest: NDArray[np.float32]  # (W / 4,), of these
    brightest: NDArray[np.float32]
    suspect: bool  # some rule may find something in it, or in it and the next one together: not for `strips` to tell


def together(looks: Sequence[Look]) -> Look:
    """Return the look at stretches one after the other."""
    cells, darkest, brightest, suspect = zip(*looks, strict=True)
    return Look(np.concatenate(cells), np.minimum.reduce(darkest), np.maximum.reduce(brightest), any(suspect))


class Looker:
    """Looks at lines of one width, a stretch of `STRETCH` at a time, which stays in the processor's cache meanwhile.

    Args:
        limits: of noise.
        quiet: range of counts (W,) below which a column hardly changes; None: pixels repeat each other by chance.
    """

    def __init__(self, limits: patches.Limits, quiet: NDArray[np.uint16] | None) -> None:
        self._limits, self._quiet = limits, quiet
        width = len(limits.down)
        self._most = (STRETCH - 1) * limits.down  # of a sum over lines, the first of which may not count
        self._step = np.empty((STRETCH, limits.columns), np.float32)
        self._down = np.empty((STRETCH, width), np.float32)
        self._same = np.empty((STRETCH, width), np.bool_)

    def __call__(self, lines: NDArray[np.float32], counts: NDArray[np.uint16]) -> Look:
        """Look at the transmission (n, W) of a stretch, after the line above it if there is one, and at their counts.

        A rule that finds something in two stretches finds half of it in one of them.
        """
        here, own = lines[-STRETCH:], counts[-STRETCH:]
        cells = patches.narrowed(here)
        darkest, brightest = cells.min(axis=0), cells.max(axis=0)
        suspect = (
            float(here.min(initial=1)) < patches.OPAQUE
            or self._glaring(cells, brightest)
            or self._restless(lines, here)
            or (self._quiet is not None and self._alike(counts, own, self._quiet))
        )
        return Look(cells, darkest, brightest, bool(suspect))

    def _glaring(self, cells: NDArray[np.float32], brightest: NDArray[np.float32]) -> bool:
        limit = 1 + patches.BRIGHT
        if brightest.max(initial=0) <= limit:
            return False
        squares = cells.reshape(-1, patches.SQUARE, cells.shape[1]).mean(axis=1)
        return bool((squares > limit).any())

    def _restless(self, lines: NDArray[np.float32], here: NDArray[np.float32]) -> bool:
        down = self._down[: len(lines) - 1]
        cv2.absdiff(lines[1:], lines[:-1], down)
        if (cv2.reduce(down, 0, cv2.REDUCE_SUM)[0] > self._most).any():
            return True
        if not self._step.size:
            return False
        cv2.absdiff(here[:, 1 : self._step.shape[1] + 1], here[:, : self._step.shape[1]], self._step)
        return bool((patches.means(self._step, self._limits.wide) > self._limits.along).any())

    def _alike(self, counts: NDArray[np.uint16], own: NDArray[np.uint16], quiet: NDArray[np.uint16]) -> bool:
        if (own.max(axis=0) - own.min(axis=0) < quiet).any():
            return True
        above, beside = self._same[: len(counts) - 1], self._same[:, :-1]
        np.equal(counts[1:], counts[:-1], out=above)
        if _most(above, 1) >= patches.WIDE or _most(above, 0) >= patches.TALL // 2:
            return True
        np.equal(own[:, 1:], own[:, :-1], out=beside)
        return _most(beside, 1) >= patches.WIDE


def _most(same: NDArray[np.bool_], axis: int) -> int:
    """Return the greatest sum of marks (n, W) along an axis."""
    if not same.size:
        return 0
    return int(cv2.reduce(same.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).max())
