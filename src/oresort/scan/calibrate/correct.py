"""From counts to transmission: dark, air, dead columns, and what each line has in common."""

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.columns import Columns
from oresort.scan.fault import MOST_COLUMNS, runs

_FEWEST = 100  # bare pixels that make a line's mean: 3 % noise over 100 of them is the 0.3 % that is to be removed


class Corrector:
    """Turns counts of one layer into transmission (1 is bare belt) of the belt, the same for any number of lines.

    Dead columns are interpolated where at most `MOST_COLUMNS` lie side by side, and bare (1) where more do or one side
    is missing. `correct=False` divides by the layer's mean air level and leaves all else as it is.
    """

    def __init__(self, columns: Columns, belt: slice, correct: bool = True) -> None:
        self._belt, width = belt, belt.stop - belt.start
        dead = np.flatnonzero(columns.dead[belt])
        if correct:
            self._dark = columns.dark[belt]
            # a column without light must not divide by 0
            self._gain = np.float32(1) / np.maximum(columns.air[belt] - self._dark, np.float32(1))
        else:
            self._dark = np.zeros_like(columns.dark[belt])
            self._gain = np.full_like(self._dark, 1 / columns.level)
        spans = runs(dead)
        honest = [span for span in spans if correct and mendable(span, width)]
        self._unknown = np.array([c for span in spans if span not in honest for c in range(width)[span]], np.intp)
        self._dead = np.array([c for span in honest for c in range(width)[span]], np.intp)  # (D,)
        self._left = np.repeat([span.start - 1 for span in honest], [span.stop - span.start for span in honest])
        self._right = np.repeat([span.stop for span in honest], [span.stop - span.start for span in honest])
        self._share = ((self._dead - self._left) / np.maximum(self._right - self._left, 1)).astype(np.float32)

    def adapt(self, factor: NDArray[np.float32]) -> None:
        """Divide what is to come by a column's level (belt,), relative to what it was so far."""
        self._gain = self._gain / factor

    def __call__(self, counts: NDArray[np.uint16], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return transmission (H, belt) float32 of counts (H, W), in `out` if it is given."""
        belt = counts[:, self._belt]
        net = np.empty(belt.shape, np.float32) if out is None else out
        np.copyto(net, belt)  # two passes: one that converts as well takes longer
        if self._dark.any():  # unusual: detectors subtract dark
            net -= self._dark
            np.maximum(net, 0, out=net)
        net *= self._gain
        if self._dead.size:
            net[:, self._dead] = (1 - self._share) * net[:, self._left] + self._share * net[:, self._right]
        net[:, self._unknown] = 1
        return net


def mendable(span: slice, width: int) -> bool:
    """Tell whether dead columns side by side can be interpolated: few, with live ones on both sides, of `width`."""
    return bool(0 < span.stop - span.start <= MOST_COLUMNS and span.start > 0 and span.stop < width)


def line_levels(shown: NDArray[np.float32], bare: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what each line of the belt has in common, (H,), about 1: divide lines by it.

    The detector's lines rise and fall together by 0.25-0.37 % (measured on scan 38). `bare` (H, W) is 1 where
    nothing lies on the belt and 0 elsewhere, and `shown` (H, W) the transmission there and 0 elsewhere; lines with
    hardly any bare belt give 1.
    """
    count = cv2.reduce(bare, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
    total = shown @ np.ones(shown.shape[1], np.float32)  # (H,)
    return np.where(count >= _FEWEST, total / np.maximum(count, 1), 1).astype(np.float32)
