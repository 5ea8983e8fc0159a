"""What is not known of the belt, or only by interpolation, and the particles that touch it."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import mendable
from oresort.scan.fault import runs
from oresort.scan.health.patch import Patch

_TOUCH = 2  # pixels beside it that a faulty one changes: masks smooth over one or two
_ASIDE = 3  # pixels that bare belt keeps off anything
_APART = 15  # columns that the layers lie apart at most, where their registration is not known
_NEVER = 2**62


class Unknown:
    """The faulty rectangles of both layers as the low one sees them."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        self._patches: list[Patch] = []

    def add(self, layer: int, patches: list[Patch]) -> None:
        """Take what is faulty in a layer, 0 low or 1 high."""
        self._patches += [_as_low(patch, self._calibration) if layer else patch for patch in patches]

    def forget(self, line: int) -> None:
        """Give up what lies before a line."""
        if self._patches:
            self._patches = [patch for patch in self._patches if patch.bottom + _TOUCH > line]

    def of(self, top: int, bottom: int) -> tuple[Patch, ...]:
        """Return what may touch particles on some lines."""
        return tuple(one for one in self._patches if one.top - _TOUCH < bottom and one.bottom + _TOUCH > top)


class Unseen:
    """Where the low layer, from whose masks it is told what of both layers is bare, shows nothing of the belt.

    There it reads as bare, while what lies there is dark in the high layer: no air may be taken from it.

    Args:
        dead: columns of the belt (W,).
    """

    def __init__(self, dead: NDArray[np.bool_]) -> None:
        spans = [span for span in runs(np.flatnonzero(dead)) if not mendable(span, len(dead))]
        self._always = [Patch("dead", 0, _NEVER, span.start, span.stop, False) for span in spans]
        self._patches: list[Patch] = []

    def add(self, patches: list[Patch]) -> None:
        """Take what is faulty in the layer, on lines that have not been cleared yet."""
        self._patches += [patch for patch in patches if not patch.mended]

    def clear(self, bare: NDArray[np.uint8], top: int) -> None:
        """Write 0 to what is not seen of `bare` (n, W), whose first line is `top`; lines come in turn."""
        for patch in (*self._always, *self._patches):
            rows = slice(max(patch.top - top, 0), max(patch.bottom - top, 0))
            bare[rows, max(patch.left - _ASIDE, 0) : patch.right + _ASIDE] = 0
        self._patches = [patch for patch in self._patches if patch.bottom > top + len(bare)]


def always_unknown(calibration: Calibration, correct: bool) -> tuple[Patch, ...]:
    """Return the rectangles of dead columns, which have no end."""
    belt = calibration.belt
    width = belt.stop - belt.start
    found = []
    for layer, columns in enumerate((calibration.low, calibration.high)):
        for span in runs(np.flatnonzero(columns.dead[belt])):
            mended = correct and mendable(span, width)
            patch = Patch("dead", -_NEVER, _NEVER, span.start, span.stop, mended)
            found.append(_as_low(patch, calibration) if layer else patch)
    return tuple(found)


def touched(patches: Iterable[Patch], y: int, x: int, mask: NDArray[np.bool_]) -> tuple[bool, bool]:
    """Tell whether a mask (h, w) from line y and belt column x on touches what is unknown, and is partly mended."""
    height, width = mask.shape
    found = {True: False, False: False}
    for patch in patches:
        if not found[patch.mended]:
            margin = 0 if patch.mended else _TOUCH
            top, bottom = max(patch.top - margin - y, 0), min(patch.bottom + margin - y, height)
            left, right = max(patch.left - margin - x, 0), min(patch.right + margin - x, width)
            if top < bottom and left < right:  # of a belt's dead columns nearly all lie elsewhere
                found[patch.mended] = bool(mask[top:bottom, left:right].any())
    return found[False], found[True]


def _as_low(patch: Patch, calibration: Calibration) -> Patch:
    """Return what of the low layer lies where the high one is faulty."""
    fit, start = calibration.registration, calibration.belt.start
    if fit is None:
        return patch._replace(
            top=patch.top - 1, bottom=patch.bottom + 1, left=patch.left - _APART, right=patch.right + _APART
        )
    left, right = ((x + start - fit.column_offset) / fit.scale - start for x in (patch.left, patch.right))
    top, bottom = patch.top - math.ceil(fit.row_offset), patch.bottom - math.floor(fit.row_offset)
    # a spline reaches a pixel or two beyond
    return patch._replace(top=top - 1, bottom=bottom + 1, left=math.floor(left) - 1, right=math.ceil(right) + 1)
