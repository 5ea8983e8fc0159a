"""From counts to transmission: dark, air, dead columns, and what each line has in common."""

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.columns import Columns

_FEWEST = 100
"""Bare pixels that make a line's mean: 3 % noise over 100 of them is the 0.3 % that is to be removed."""


class Corrector:
    """Turns counts of one layer into transmission (1 is bare belt), the same for any number of lines.

    Args:
        columns: what the layer reads per column.
        belt: columns that see the belt; the result has only these.
        correct: False divides by the layer's mean air level and leaves all else as it is.
    """

    def __init__(self, columns: Columns, belt: slice, correct: bool = True) -> None:
        self.belt = belt
        self.level = columns.level
        if correct:
            self._dark = columns.dark[belt]
            self._gain = np.float32(1) / np.maximum(columns.air[belt] - self._dark, np.float32(1))
            self._dead = np.flatnonzero(columns.dead[belt])
            self._live = np.flatnonzero(~columns.dead[belt])
        else:
            self._dark = np.zeros(belt.stop - belt.start, np.float32)
            self._gain = np.full(belt.stop - belt.start, 1 / columns.level, np.float32)
            self._dead, self._live = np.empty(0, np.int64), np.arange(belt.stop - belt.start)

    def __call__(self, counts: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return transmission (H, belt) float32 of counts (H, W); dead columns by linear interpolation."""
        belt = counts[:, self.belt]
        if self._dark.any():
            net = np.subtract(belt, self._dark, dtype=np.float32)
            np.maximum(net, 0, out=net)
            net *= self._gain
        else:
            net = np.multiply(belt, self._gain, dtype=np.float32)
        if self._dead.size and self._live.size:
            left, right, share = self._neighbours
            net[:, self._dead] = (1 - share) * net[:, left] + share * net[:, right]
        return net

    @cached_property
    def _neighbours(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        after = np.searchsorted(self._live, self._dead)
        left = self._live[np.maximum(after - 1, 0)]
        right = self._live[np.minimum(after, self._live.size - 1)]
        gap = np.maximum(right - left, 1)
        return left, right, ((self._dead - left) / gap).clip(0, 1).astype(np.float32)


def line_levels(transmission: NDArray[np.float32], bare: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what each line's bare belt has in common, (H,), about 1: divide lines by it.

    The detector's lines rise and fall together by 0.25-0.37 % (measured on scan 38). Lines with hardly any
    bare belt give 1.

    Args:
        transmission: (H, W) float32.
        bare: 1 where nothing lies on the belt, 0 elsewhere; (H, W) uint8.
    """
    count = cv2.reduce(bare, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
    total = np.einsum("ij,ij->i", transmission, bare, dtype=np.float32)
    return np.where(count >= _FEWEST, total / np.maximum(count, 1), 1).astype(np.float32)
