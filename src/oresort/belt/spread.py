"""What reaches a pixel from its neighbours: aperture, scintillator light, scatter along the line, afterglow."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import linalg

LIGHT = (
    np.array([0.0009, 0.0047, 0.0820, 0.8248, 0.0820, 0.0047, 0.0009], dtype=np.float32),
    np.array([0.0050, 0.0207, 0.1208, 0.7070, 0.1208, 0.0207, 0.0050], dtype=np.float32),
)
"""Spread of light across columns in the low and the high scintillator, from the noise correlation of scan 38."""

SCATTER = (0.08, 0.09)
"""Share of a pixel's signal that left its ray and lands elsewhere on the line: low, high layer. Scan 38 darkens by 1 %
beside a particle on its own lines, and not at all before and behind it: a slit lets scatter through only along the
line. Its quanta are not those of the neighbour, so noise does not show it."""

SCATTER_REACH = (5.5, 7.0)  # columns over which that scatter falls off by e
MARGIN = (6, 20)  # lines and columns around a particle beyond which all this is negligible

_APERTURE = np.array([1 / 24, 22 / 24, 1 / 24], dtype=np.float32)  # mean over a pixel, not its centre: second order

_AFTERGLOW = (
    np.array([0.0, 0.0, 0.994, 0.004, 0.002], dtype=np.float32),
    np.array([0.0, 0.0, 0.995, 0.003, 0.002], dtype=np.float32),
)
"""Share of a line's signal read out with it and with the next two; the noise of scan 38 allows no more."""

_ALONG = tuple(np.convolve(decay, _APERTURE, mode="same") for decay in _AFTERGLOW)


@lru_cache(maxsize=512)
def _across(width: int, layer: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Matrices (width, width) of light spread with aperture, and of that after scatter."""
    light = np.convolve(LIGHT[layer], _APERTURE)
    tail = np.exp(-np.abs(np.arange(-60, 61)) / SCATTER_REACH[layer])
    wide = np.convolve(tail / tail.sum(), light)  # scattered rays make light, which spreads as any
    # symmetric kernels: their right half is the first column of a Toeplitz matrix
    narrow, wide = (np.pad(kernel[len(kernel) // 2 :], (0, width))[:width] for kernel in (light, wide))
    return linalg.toeplitz(narrow).astype(np.float32), linalg.toeplitz(wide).astype(np.float32)


def spread(removed: NDArray[np.float32], layer: int, scatter: float, blur: float = 0.0) -> NDArray[np.float32]:
    """Return what a layer (0 low, 1 high) reads of `removed` (H, W), 0 beyond it.

    `scatter` scales `SCATTER`; `blur` is the deviation in pixels of a Gaussian besides: a wide focal spot, say.
    """
    light, wide = _across(removed.shape[1], layer)
    share = np.float32(scatter * SCATTER[layer])
    # a product with a matrix that is kept, since the tail has over a hundred taps
    across = removed @ ((1 - share) * light + share * wide)
    # OpenCV correlates: flipped, the afterglow falls on the lines that come later
    seen = cv2.filter2D(across, -1, _ALONG[layer][::-1, None], borderType=cv2.BORDER_CONSTANT)
    if blur > 0:
        seen = cv2.GaussianBlur(seen, (0, 0), blur, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(seen)
