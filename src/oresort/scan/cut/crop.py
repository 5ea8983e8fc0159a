"""Cut one particle out of the lines in memory, registered or the way the paper's data were cut."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.layers import attenuation_of, compared
from oresort.scan.cut.window import HALO, Box, Window
from oresort.scan.segment.particle import Particle
from oresort.scan.segment.regions import Region
from oresort.scan.segment.split import Part
from oresort.xray.transmission import FULL_SCALE


class Cut(NamedTuple):
    """One particle, cut out of both layers."""

    particle: Particle
    low: NDArray[np.uint16]  # counts (h, w) in its box; outside its mask 0, or as imaged with neighbours set to air
    high: NDArray[np.uint16]
    mass_proxy: float  # sum of high attenuation over its pixels: of one material it goes with mass
    low_mean: float  # mean attenuation l of the low layer over its pixels
    high_mean: float  # and h of the high one
    residual: float  # rms of l about its best quadratic in h: 0.03 on layers that agree


def cut_part(window: Window, calibration: Calibration, options: Cutting, region: Region, part: Part) -> Cut:
    """Return a part of a region as a particle of the scan and its two crops.

    Corrected counts are written at the low layer's mean air level in both layers; uncorrected ones as they came.
    """
    left, top, w, h = cv2.boundingRect(part.mask.view(np.uint8))
    mask = part.mask[top : top + h, left : left + w]  # (h, w), from here on the particle's own box
    box = Box(region.y + top, region.x + left, h, w)
    height, width = part.mask.shape
    # of a clump at the border only the parts that reach it are clipped
    at_ends = (top == 0, left == 0, top + h == height, left + w == width)
    clipped = any(border and here for border, here in zip(region.open, at_ends, strict=True))
    fit = calibration.registration if options.crops == "registered" else None
    if fit is not None:
        clipped |= window.beyond(box, fit)
    unknown, mended = window.unknown.touched(box.y, box.x, mask)
    low, _, _ = window.around(box, 0, 0)  # (h, w)
    others = others_high = window.weak(box) & ~mask
    if fit is not None:
        high, mask_high = window.registered(box, fit), mask  # (h, w) both: one mask serves both layers
    else:
        high, mask_high, others_high = _released_high(window, box, mask, part.parted)
    known = calibration.registration
    seen = high if fit is not None or known is None else window.registered(box, known)
    layers = compared(low, seen, mask, registered=known is not None)
    levels = (calibration.low.level, (calibration.low if options.correct else calibration.high).level)
    crops = (
        _counts(low, levels[0], mask, others, options.background),
        _counts(high, levels[1], mask_high, others_high, options.background),
    )
    x = calibration.belt.start + box.x  # boxes are of the belt, particles of the scan
    particle = Particle(
        *(x, box.y, box.w, box.h, clipped, mask),
        touching=part.touching,
        parted=part.parted,
        faulty=unknown or not layers.agree,
        mended=mended,
    )
    # of the high layer: Compton scattering, which goes with mass, has a larger share there than in the low one
    mass = float(attenuation_of(high[mask_high]).sum())
    return Cut(particle, *crops, mass, layers.low, layers.high, layers.residual)


def _released_high(
    window: Window, box: Box, mask: NDArray[np.bool_], parted: bool
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the unregistered high layer in the box, and where it shows the particle and others by its own mask."""
    around, top, left = window.around(box, 1, HALO)
    own = (slice(box.y - top, box.y - top + box.h), slice(box.x - left, box.x - left + box.w))
    # from beyond the box, so that what is cut in two by its rim stays one
    cover = window.cover(around, 1, left).weak
    _, labels = cv2.connectedComponents(cover, connectivity=8, ltype=cv2.CV_32S)
    labels = labels[own]  # (h, w)
    overlap = np.bincount(labels[mask], minlength=2)  # (labels,): pixels shared with the low layer's mask
    overlap[0] = 0
    # where the high layer shows nothing, or the neighbours as well, the low layer's mask must do
    if parted or not overlap.any():
        return around[own], mask, (labels > 0) & ~mask
    shown = labels == overlap.argmax()
    return around[own], shown, (labels > 0) & ~shown


def _counts(
    transmission: NDArray[np.float32], level: float, mask: NDArray[np.bool_], others: NDArray[np.bool_], background: str
) -> NDArray[np.uint16]:
    # 0 is the mark of background, so the darkest pixel of a particle has one count
    values = transmission * np.float32(level)
    np.rint(values, out=values)
    counts = values.clip(1, FULL_SCALE, out=values).astype(np.uint16)
    if background == "zero":
        counts *= mask
        return counts
    return np.where(others & ~mask, np.uint16(round(level)), counts)
