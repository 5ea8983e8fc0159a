"""Transmission and attenuation of detector counts, and where a particle covers the belt."""

import cv2
import numpy as np
from numpy.typing import NDArray

NOMINAL_AIR = 52_350.0
"""Air level in counts of the paper's sorter (0.8 of full scale after flat-fielding; measured on scan 38)."""

FOREGROUND = 0.838
"""Transmission below which a pixel is particle: where the paper's released crops end, in both layers
(measured on its two sample pairs; their exact rule is `scan.released.released_foreground`)."""


def attenuation(counts: NDArray[np.generic], air: float) -> NDArray[np.float32]:
    """Return ln(air / counts), any shape, dimensionless; counts below 1 count as 1 (photon starvation)."""
    return np.log(air / np.maximum(counts.astype(np.float32), 1.0)).astype(np.float32)


def foreground(counts: NDArray[np.generic], air: float, threshold: float = FOREGROUND) -> NDArray[np.bool_]:
    """Return the particle mask (H, W) of one layer: transmission, lightly smoothed, below `threshold`.

    Single-pixel noise of air is 2.5-4.7 %, so a bare threshold would be speckled; a Gaussian of one
    pixel brings it under 1.5 %.
    """
    smooth = cv2.GaussianBlur(counts.astype(np.float32), (9, 9), 1.0, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smooth < threshold * air)
