"""Air and noise of a layer's columns, followed while the belt runs: a calibration ages, a belt has no end."""

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from oresort.scan.segment.mask import smoothed

_MEMORY = 4_096  # bare lines over which a column is averaged: 0.5 to 1.1 s, and 0.06 % of air at 4 % noise
_EVERY = 8  # stretches between those whose noise is looked at


class Running:
    """Exponential means over bare belt; `noise` (W,) is that of smoothed transmission, as in a calibration."""

    def __init__(self, noise: NDArray[np.float32]) -> None:
        self.noise = noise
        self._variance = noise.astype(np.float64) ** 2
        self._count = 0

    def add(
        self,
        lines: NDArray[np.float32],
        level: NDArray[np.float32],
        shown: NDArray[np.float32],
        bare: NDArray[np.uint8],
    ) -> NDArray[np.float32]:
        """Take lines (n, W) and their level (n,); return by what columns are to be divided from now on.

        `shown` are the lines where they are `bare`, and 0 elsewhere.
        """
        count = cv2.reduce(bare, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]  # (W,)
        factor = 1 + (1 / level @ shown - count) / np.float32(_MEMORY)
        self._count += 1
        if self._count % _EVERY == 0:
            spread = smoothed(lines / level[:, None]) - 1
            square = np.einsum("ij,ij,ij->j", spread, spread, bare, dtype=np.float32)
            share = np.minimum(_EVERY * count / _MEMORY, 1)
            mean = square / np.maximum(count, 1)
            self._variance += np.where(count > 0, share * (mean - self._variance), 0)
            # over neighbours, as a calibration does
            self.noise = np.sqrt(scipy.ndimage.uniform_filter1d(self._variance, 15, mode="nearest")).astype(np.float32)
        return np.asarray(factor, np.float32)
