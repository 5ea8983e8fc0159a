"""From counts to transmission: dark, air, dead columns, and what each line has in common."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.columns import Columns
from oresort.scan.fault import MOST_COLUMNS, runs

_FEWEST = 100  # bare pixels that make a line's mean: 3 % noise over 100 of them is the 0.3 % that is to be removed


class Corrector:
    """Turns counts of some layers into transmission (1 is bare belt), the same for any number of lines.

    Dead columns are interpolated where at most `MOST_COLUMNS` lie side by side, and bare (1) where more do or one side
    is missing. `correct=False` divides by the layer's mean air level and leaves all else as it is.
    """

    def __init__(self, layers: Sequence[Columns], belt: slice, correct: bool = True) -> None:
        width = belt.stop - belt.start
        dark = np.stack([columns.dark[belt] for columns in layers])  # (L, W)
        if correct:
            air = np.stack([columns.air[belt] for columns in layers])
            # a column without light must not divide by 0
            self._gain = np.float32(1) / np.maximum(air - dark, np.float32(1))
        else:
            self._gain = np.stack([np.full(width, 1 / columns.level, np.float32) for columns in layers])
        self._dark = dark if correct and dark.any() else None  # unusual: detectors subtract it
        unknown: list[int] = []  # places in a line of L * W, as all below
        mended: list[tuple[int, int, int]] = []  # and what lies on both sides
        for start, columns in enumerate(layers):
            for span in runs(np.flatnonzero(columns.dead[belt])):
                here = [start * width + column for column in range(width)[span]]
                if correct and mendable(span, width):
                    mended += [(place, here[0] - 1, here[-1] + 1) for place in here]
                else:
                    unknown += here
        self._unknown = np.array(unknown, np.intp)
        self._dead, self._left, self._right = np.array(mended, np.intp).reshape(-1, 3).T  # (D,) each
        self._share = ((self._dead - self._left) / np.maximum(self._right - self._left, 1)).astype(np.float32)

    def adapt(self, factor: NDArray[np.float32]) -> None:
        """Divide what is to come by each column's level (L, W), relative to what it was so far."""
        self._gain /= factor

    def __call__(self, counts: NDArray[np.uint16], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return transmission (n, L, W) float32 of the belt's counts (n, L, W), in `out` if it is given."""
        net = np.empty(counts.shape, np.float32) if out is None else out
        np.copyto(net, counts)  # two passes: one that converts as well takes longer
        if self._dark is not None:
            net -= self._dark
            np.maximum(net, 0, out=net)
        net *= self._gain
        flat = net.reshape(len(net), self._gain.size)
        if self._dead.size:
            flat[:, self._dead] = (1 - self._share) * flat[:, self._left] + self._share * flat[:, self._right]
        if self._unknown.size:
            flat[:, self._unknown] = 1
        return net


def mendable(span: slice, width: int) -> bool:
    """Tell whether dead columns side by side can be interpolated: few, with live ones on both sides, of `width`."""
    return bool(0 < span.stop - span.start <= MOST_COLUMNS and span.start > 0 and span.stop < width)


def line_levels(shown: NDArray[np.float32], bare: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what each line (n, L, W) of the belt has in common, (n, L), about 1: divide lines by it.

    The detector's lines rise and fall together by 0.25-0.37 % (measured on scan 38). `bare` is 1 where nothing lies on
    the belt and 0 elsewhere, and `shown` the transmission there and 0 elsewhere; lines with hardly any bare belt give
    1.
    """
    flat = -1, shown.shape[2]
    count = cv2.reduce(bare.reshape(flat), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
    total = shown.reshape(flat) @ np.ones(shown.shape[2], np.float32)  # (n * L,)
    level = np.where(count >= _FEWEST, total / np.maximum(count, 1), 1)
    return level.astype(np.float32).reshape(shown.shape[:2])
