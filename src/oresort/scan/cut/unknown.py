"""What is not known of the belt, or only by interpolation, and the particles that touch it."""

import math

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import mendable
from oresort.scan.fault import runs
from oresort.scan.health.judge import Patch

_TOUCH = 2  # pixels beside it that a faulty one changes: masks smooth over one or two
_APART = 15  # columns that the layers lie apart at most, where their registration is not known
_NEVER = 2**62


class Unknown:
    """The faulty rectangles of both layers as the low one sees them; those of dead columns have no end."""

    def __init__(self, calibration: Calibration, correct: bool) -> None:
        belt, self._fit = calibration.belt, calibration.registration
        self._start, width = belt.start, belt.stop - belt.start
        self._patches: list[Patch] = []
        self._always: list[Patch] = []
        for layer, columns in enumerate((calibration.low, calibration.high)):
            for span in runs(np.flatnonzero(columns.dead[belt])):
                mended = correct and mendable(span, width)
                patch = Patch("dead", -_NEVER, _NEVER, span.start, span.stop, mended)
                self._always.append(self._as_low(patch) if layer else patch)

    def add(self, layer: int, patches: list[Patch]) -> None:
        """Take what is faulty in a layer, 0 low or 1 high."""
        self._patches += [self._as_low(patch) if layer else patch for patch in patches]

    def forget(self, line: int) -> None:
        """Give up what lies before a line."""
        self._patches = [patch for patch in self._patches if patch.bottom + _TOUCH > line]

    def touched(self, y: int, x: int, mask: NDArray[np.bool_]) -> tuple[bool, bool]:
        """Tell whether a mask (h, w) from line y and belt column x on touches what is unknown, and is partly mended."""
        height, width = mask.shape
        found = {True: False, False: False}
        for patch in (*self._always, *self._patches):
            if not found[patch.mended]:
                margin = 0 if patch.mended else _TOUCH
                rows = slice(max(patch.top - margin - y, 0), max(min(patch.bottom + margin - y, height), 0))
                columns = slice(max(patch.left - margin - x, 0), max(min(patch.right + margin - x, width), 0))
                found[patch.mended] = bool(mask[rows, columns].any())
        return found[False], found[True]

    def _as_low(self, patch: Patch) -> Patch:
        """Return what of the low layer lies where the high one is faulty."""
        fit = self._fit
        if fit is None:
            return patch._replace(
                top=patch.top - 1, bottom=patch.bottom + 1, left=patch.left - _APART, right=patch.right + _APART
            )
        left, right = (
            (x + self._start - fit.column_offset) / fit.scale - self._start for x in (patch.left, patch.right)
        )
        top, bottom = patch.top - math.ceil(fit.row_offset), patch.bottom - math.floor(fit.row_offset)
        # a spline reaches a pixel or two beyond
        return patch._replace(top=top - 1, bottom=bottom + 1, left=math.floor(left) - 1, right=math.ceil(right) + 1)
