"""From counts to transmission: dark, air, dead columns, and what each line has in common."""

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.columns import Columns

_FEWEST = 100  # bare pixels that make a line's mean: 3 % noise over 100 of them is the 0.3 % that is to be removed


class Corrector:
    """Turns counts of one layer into transmission (1 is bare belt) of the belt, the same for any number of lines.

    `correct=False` divides by the layer's mean air level and leaves all else as it is.
    """

    def __init__(self, columns: Columns, belt: slice, correct: bool = True) -> None:
        self._belt = belt
        if correct:
            self._dark, dead = columns.dark[belt], columns.dead[belt]
            # a column without light must not divide by 0
            self._gain = np.float32(1) / np.maximum(columns.air[belt] - self._dark, np.float32(1))
        else:
            self._dark, dead = np.zeros_like(columns.dark[belt]), np.zeros_like(columns.dead[belt])
            self._gain = np.full_like(self._dark, 1 / columns.level)
        # dead columns beside the belt's ends take the only live neighbour; if all are dead none can be mended
        live = np.flatnonzero(~dead)
        self._dead = np.flatnonzero(dead & live.any())
        after = np.searchsorted(live, self._dead)  # (D,)
        self._left = live[np.maximum(after - 1, 0)]
        self._right = live[np.minimum(after, live.size - 1)]
        share = (self._dead - self._left) / np.maximum(self._right - self._left, 1)
        self._share = share.clip(0, 1).astype(np.float32)

    def __call__(self, counts: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Return transmission (H, belt) float32 of counts (H, W); dead columns by linear interpolation."""
        belt = counts[:, self._belt]
        if self._dark.any():
            net = np.subtract(belt, self._dark, dtype=np.float32)
            np.maximum(net, 0, out=net)
            net *= self._gain
        else:
            net = np.multiply(belt, self._gain, dtype=np.float32)  # usual, in one pass: detectors subtract dark
        if self._dead.size:
            net[:, self._dead] = (1 - self._share) * net[:, self._left] + self._share * net[:, self._right]
        return net


def line_levels(transmission: NDArray[np.float32], bare: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what each line of a transmission (H, W) has in common, (H,), about 1: divide lines by it.

    The detector's lines rise and fall together by 0.25-0.37 % (measured on scan 38). `bare` (H, W) is 1 where
    nothing lies on the belt and 0 elsewhere; lines with hardly any bare belt give 1.
    """
    count = cv2.reduce(bare, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
    total = np.einsum("ij,ij->i", transmission, bare, dtype=np.float32)  # (H,), without a product (H, W)
    return np.where(count >= _FEWEST, total / np.maximum(count, 1), 1).astype(np.float32)
