"""What of the belt is covered: a mask whose threshold follows the detector's noise."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.represent.mask import FOREGROUND

SMOOTHING = 1.0
"""Gaussian in pixels applied before anything is called covered: it brings noise of 2.5-4.7 % to about 1 %."""


KERNEL = (9, 9)  # four standard deviations on each side


def smoothed(transmission: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a transmission (H, W) float32 smoothed for segmentation, edges repeated."""
    return np.asarray(cv2.GaussianBlur(transmission, KERNEL, SMOOTHING, borderType=cv2.BORDER_REPLICATE))


SIGMAS = 4.0
"""Standard deviations of smoothed air below which a pixel may be a particle's rim."""

THINNEST = 0.05
"""Least attenuation of a rim, about 0.7 mm of rock: below lie dust and the smoothing's own halo."""

_AIR_REACH = np.ones((7, 7), np.uint8)


class Cover(NamedTuple):
    """Masks of some lines, uint8 0 or 1, each (H, W)."""

    weak: NDArray[np.uint8]
    """May be covered: darker than noise and dust."""
    strong: NDArray[np.uint8]
    """Surely covered; a weak region without any is no particle."""
    bare: NDArray[np.uint8]
    """Bare belt, three pixels and more from anything weak."""


def limits(noise: NDArray[np.float32], sigmas: float = SIGMAS) -> NDArray[np.float32]:
    """Return the transmission (W,) below which a pixel of smoothed counts may be covered."""
    return np.asarray(np.minimum(1 - sigmas * noise, 1 - THINNEST), np.float32)


def find_cover(transmission: NDArray[np.float32], limit: NDArray[np.float32]) -> Cover:
    """Return the masks of lines (H, W) of transmission; those four lines in from either end are final.

    Hysteresis: the weak threshold keeps thin rims, the strong one (that of the released data) keeps out dust
    and noise.

    Args:
        transmission: lines of one layer, float32; 1 is bare belt.
        limit: of `limits`, (W,).
    """
    smooth = smoothed(transmission)
    weak = (smooth < limit).view(np.uint8)
    strong = (smooth < np.minimum(limit, np.float32(FOREGROUND))).view(np.uint8)
    # beyond the first or last line nothing is known, which must not read as covered
    bare = cv2.erode(1 - weak, _AIR_REACH, borderType=cv2.BORDER_REPLICATE)
    return Cover(weak, strong, np.asarray(bare))
