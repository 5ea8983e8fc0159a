"""Air and noise of a layer's columns, followed while the belt runs: a calibration ages, a belt has no end."""

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from oresort.scan.segment.mask import smoothed

_MEMORY = 4_096  # bare lines over which a column is averaged: 0.5 to 1.1 s, and 0.06 % of air at 4 % noise
_EVERY = 8  # stretches between those whose noise is looked at


class Running:
    """Exponential means over bare belt; `noise` (L, W) is that of smoothed transmission, as in a calibration."""

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
        """Take lines (n, L, W) and their levels (n, L); return by what columns (L, W) are to be divided from now on.

        `shown` are the lines where they are `bare`, and 0 elsewhere.
        """
        flat = bare.reshape(len(bare), -1)
        count = np.asarray(cv2.reduce(flat, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F), np.float32).reshape(bare.shape[1:])
        factor = np.matmul((1 / level).T[:, None], shown.swapaxes(0, 1))[:, 0]  # (L, W)
        factor -= count
        factor *= np.float32(1 / _MEMORY)
        factor += 1
        self._count += 1
        if self._count % _EVERY == 0:
            self._follow(lines / level[..., None], bare, count)
        return np.asarray(factor, np.float32)

    def _follow(self, lines: NDArray[np.float32], bare: NDArray[np.uint8], count: NDArray[np.float32]) -> None:
        """Follow the noise by levelled lines (n, L, W), bare in so many of each column (L, W)."""
        for layer, variance in enumerate(self._variance):
            spread = smoothed(lines[:, layer]) - 1
            square = np.einsum("ij,ij,ij->j", spread, spread, bare[:, layer], dtype=np.float32)
            share = np.minimum(_EVERY * count[layer] / _MEMORY, 1)
            mean = square / np.maximum(count[layer], 1)
            variance += np.where(count[layer] > 0, share * (mean - variance), 0)
        # over neighbours, as a calibration does
        smooth = scipy.ndimage.uniform_filter1d(self._variance, 15, mode="nearest")
        self.noise = np.sqrt(smooth).astype(np.float32)
