"""What is particle in a crop, and where a particle covers the belt."""

import cv2
import numpy as np
from numpy.typing import NDArray

FOREGROUND = 0.838
"""Transmission below which a pixel is particle: where the paper's released crops end, in both layers (measured on its
two sample pairs; their exact rule is `scan.segment.mask.released_cover`)."""


def particle_mask(counts: NDArray[np.uint16], air: float, background: str) -> NDArray[np.bool_]:
    """Return the particle mask (H, W) of one layer of a crop, whose level without a particle is `air` counts.

    Its `background`, what surrounds the particle, is `zero` (counts of 0) or `air`: `foreground` then finds it.
    """
    return counts > 0 if background == "zero" else foreground(counts, air)


def foreground(counts: NDArray[np.generic], air: float, threshold: float = FOREGROUND) -> NDArray[np.bool_]:
    """Return the particle mask (H, W) of one layer: transmission, lightly smoothed, below `threshold`.

    Single-pixel noise of air is 2.5-4.7 %, so a bare threshold would be speckled; a Gaussian of one pixel brings it
    under 1.5 %.
    """
    values = counts.astype(np.float32, copy=False)
    smooth = cv2.GaussianBlur(values, (9, 9), 1.0, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(smooth < threshold * air)
