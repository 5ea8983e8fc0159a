"""Cut one particle out of both detector layers, the way the paper's data were cut."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oresort.scan.air import FULL_SCALE
from oresort.scan.particles import MaskRule, Particle
from oresort.xray.transmission import foreground

_MARGIN = 24
"""Pixels seen around the box: the layers lie up to 14 columns apart, and the masks' filters reach 10."""


def extract(
    low: NDArray[np.uint16],
    high: NDArray[np.uint16],
    particle: Particle,
    air_high: float,
    *,
    rule: MaskRule = foreground,
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return the particle's crop of each layer, counts inside it and 0 elsewhere.

    As in the released data both crops have the particle's box, found on the low layer, and each has its own
    mask; the layers are not registered. Neighbours inside the box become background too.

    Args:
        low: low-energy layer (H, W) in counts.
        high: high-energy layer (H, W) in counts.
        particle: what to cut, found on `low`.
        air_high: air level of `high` in counts.
        rule: what counts as covered in `high`; the same as found the particle.

    Returns:
        Low- and high-energy crops, both (h, w), uint16.
    """
    top, left = max(particle.y - _MARGIN, 0), max(particle.x - _MARGIN, 0)
    around = high[top : particle.y + particle.h + _MARGIN, left : particle.x + particle.w + _MARGIN]
    # beyond the belt's side all is full scale, which would brighten the smoothed rim of a particle there
    around = np.where(around == FULL_SCALE, np.uint16(air_high), around)
    labels, _ = ndimage.label(rule(around, air_high), structure=np.ones((3, 3)))
    rows, cols = particle.y - top, particle.x - left
    labels = labels[rows : rows + particle.h, cols : cols + particle.w]
    overlap = np.bincount(labels[particle.mask], minlength=2)
    overlap[0] = 0
    # a particle too thin to show at high energy still has counts there, under the low layer's mask
    mask_high = labels == overlap.argmax() if overlap.any() else particle.mask
    return np.where(particle.mask, low[particle.box], 0), np.where(mask_high, high[particle.box], 0)
