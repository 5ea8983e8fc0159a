"""Cut one particle out of the lines in memory, registered or the way the paper's data were cut."""

import math
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.resample import Taps, resample, spline_of, taps
from oresort.scan.cut.layers import attenuation_of, compared
from oresort.scan.cut.uncut import Around, Uncut, seen_columns
from oresort.scan.cut.window import HALO, Box, Window
from oresort.scan.segment.mask import MASKS
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


def found(window: Window, calibration: Calibration, options: Cutting, region: Region, part: Part) -> Uncut:
    """Return a part of a region as a particle of the scan, with all that it takes to cut it."""
    left, top, w, h = cv2.boundingRect(part.mask.view(np.uint8))
    mask = part.mask[top : top + h, left : left + w]  # (h, w), from here on the particle's own box
    box = Box(region.y + top, region.x + left, h, w)
    height, width = part.mask.shape
    # of a clump at the border only the parts that reach it are clipped
    at_ends = (top == 0, left == 0, top + h == height, left + w == width)
    clipped = any(border and here for border, here in zip(region.open, at_ends, strict=True))
    known, registered = calibration.registration, options.crops == "registered"
    if known is not None and registered:
        clipped |= window.beyond(box, known)
    unknown, mended = window.unknown.touched(box.y, box.x, mask)
    x = calibration.belt.start + box.x  # boxes are of the belt, particles of the scan
    particle = Particle(
        *(x, box.y, box.w, box.h, clipped, mask),
        touching=part.touching,
        parted=part.parted,
        faulty=unknown,
        mended=mended,
    )
    own, noise = None, np.empty(0, np.float32)
    if not registered:
        own = window.around(box, 1, HALO)
        noise = window.noise(1, own.left, own.values.shape[1])
    placed = None if known is None else window.placed(box, known)
    return Uncut(particle, window.around(box, 0, 0).values, window.weak(box) & ~mask, placed, own, noise)


class Cropper:
    """Cuts particles that were found, one like the other: what it gives depends on nothing else."""

    def __init__(self, calibration: Calibration, options: Cutting) -> None:
        self._calibration, self._options = calibration, options
        self._taps, self._rule = seen_columns(calibration), MASKS[options.mask]

    def __call__(self, uncut: Uncut) -> Cut:
        """Return a particle and its two crops.

        Corrected counts are written at the low layer's mean air level in both layers; uncorrected ones as they came.
        """
        particle, options, calibration = uncut.particle, self._options, self._calibration
        mask = mask_high = particle.mask  # one mask serves both layers where they are registered
        others_high = uncut.others
        placed = None if uncut.placed is None else self._placed(particle, uncut.placed)
        if uncut.own is not None:
            high, mask_high, others_high = self._own(particle, uncut.own, uncut.noise)
        elif placed is not None:
            high = placed
        else:
            raise ValueError("neither registered nor as imaged: nothing of the high layer is here")
        layers = compared(uncut.low, high if placed is None else placed, mask, registered=placed is not None)
        levels = (calibration.low.level, (calibration.low if options.correct else calibration.high).level)
        crops = (
            _counts(uncut.low, levels[0], mask, uncut.others, options.background),
            _counts(high, levels[1], mask_high, others_high, options.background),
        )
        particle = replace(particle, faulty=particle.faulty or not layers.agree)
        # of the high layer: Compton scattering, which goes with mass, has a larger share there than in the low one
        mass = float(attenuation_of(high[mask_high]).sum())
        return Cut(particle, *crops, mass, layers.low, layers.high, layers.residual)

    def _placed(self, particle: Particle, around: Around) -> NDArray[np.float32]:
        """Return the high layer's transmission (h, w) where the low layer sees the particle, by cubic splines."""
        fit, x = self._calibration.registration, particle.x - self._calibration.belt.start
        if fit is None:
            raise ValueError("the layers' registration is not known")
        columns = slice(x, x + particle.w)
        index, weights = self._taps.places[:, columns], self._taps.weights[:, columns]  # (4, w) each
        lag = math.floor(fit.row_offset)
        rows = taps(particle.y + lag - around.top + (fit.row_offset - lag), 1.0, particle.h, len(around.values))
        return resample(spline_of(around.values), rows, Taps(index - around.left, weights))

    def _own(
        self, particle: Particle, around: Around, noise: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the unregistered high layer in the box, and where it shows the particle and others by its own mask."""
        values, mask = around.values, particle.mask
        y, x = particle.y - around.top, particle.x - self._calibration.belt.start - around.left
        box = slice(y, y + particle.h), slice(x, x + particle.w)
        # from beyond the box, so that what is cut in two by its rim stays one
        cover = self._rule(values, self._calibration.high.level, noise).weak
        _, labels = cv2.connectedComponents(cover, connectivity=8, ltype=cv2.CV_32S)
        labels = labels[box]  # (h, w)
        overlap = np.bincount(labels[mask], minlength=2)  # (labels,): pixels shared with the low layer's mask
        overlap[0] = 0
        # where the high layer shows nothing, or the neighbours as well, the low layer's mask must do
        if particle.parted or not overlap.any():
            return values[box], mask, (labels > 0) & ~mask
        shown = labels == overlap.argmax()
        return values[box], shown, (labels > 0) & ~shown


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
