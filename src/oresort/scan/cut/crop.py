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
from oresort.scan.cut.held import HALO, SPLINES, Around, Box, Held, grown, lines_below, seen, seen_columns
from oresort.scan.cut.layers import attenuation_of, compared
from oresort.scan.cut.unknown import always_unknown, touched
from oresort.scan.segment.mask import MASKS
from oresort.scan.segment.particle import Particle
from oresort.scan.segment.split import Part, split_touching
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


class Cropper:
    """Parts regions and cuts their particles, one like the other: what it gives depends on nothing else."""

    def __init__(self, calibration: Calibration, options: Cutting) -> None:
        self._calibration, self._options = calibration, options
        self._taps, self._rule, self._below = seen_columns(calibration), MASKS[options.mask], lines_below(options)
        self._dead = always_unknown(calibration, options.correct)

    def __call__(self, held: Held) -> list[Cut]:
        """Return the particles of a region, one or more, each with its two crops.

        Corrected counts are written at the low layer's mean air level in both layers; uncorrected ones as they came.
        """
        mask, wanted = held.region.mask, self._options
        parts = [Part(mask, touching=False, parted=False)]
        if wanted.split:
            parts = split_touching(mask, convex=wanted.convex, neck=wanted.neck, min_area=wanted.min_area)
        return [self._cut(held, part) for part in parts]

    def _cut(self, held: Held, part: Part) -> Cut:
        options, calibration = self._options, self._calibration
        left, top, w, h = cv2.boundingRect(part.mask.view(np.uint8))
        here = slice(top, top + h), slice(left, left + w)
        mask = mask_high = part.mask[here]  # (h, w), from here on the particle's own box
        low, others = held.low[here], held.weak[here] & ~mask
        box = Box(held.region.y + top, held.region.x + left, h, w)
        particle = self._particle(held, part, box, mask)
        placed = None if held.placed is None else self._placed(box, held)
        others_high = others
        if held.own is not None:
            own = held.own.within(*grown(box, HALO, self._below))
            noise = held.noise[own.left - held.own.left :][: own.values.shape[1]]
            high, mask_high, others_high = self._own(particle, box, own, noise)
        elif placed is not None:
            high = placed
        else:
            raise ValueError("neither registered nor as imaged: nothing of the high layer is here")
        layers = compared(low, high if placed is None else placed, mask, registered=placed is not None)
        levels = (calibration.low.level, (calibration.low if options.correct else calibration.high).level)
        crops = (
            _counts(low, levels[0], mask, others, options.background),
            _counts(high, levels[1], mask_high, others_high, options.background),
        )
        particle = replace(particle, faulty=particle.faulty or not layers.agree)
        # of the high layer: Compton scattering, which goes with mass, has a larger share there than in the low one
        mass = float(attenuation_of(high[mask_high]).sum())
        return Cut(particle, *crops, mass, layers.low, layers.high, layers.residual)

    def _particle(self, held: Held, part: Part, box: Box, mask: NDArray[np.bool_]) -> Particle:
        """Return a part of a region as a particle of the scan."""
        region = held.region
        height, width = region.mask.shape
        # of a clump at the border only the parts that reach it are clipped
        y, x = box.y - region.y, box.x - region.x
        at_ends = (y == 0, x == 0, y + box.h == height, x + box.w == width)
        clipped = any(border and here for border, here in zip(region.open, at_ends, strict=True))
        if self._options.crops == "registered":
            clipped |= self._beyond(box, held.end)
        unknown, mended = touched((*self._dead, *held.unknown), box.y, box.x, mask)
        return Particle(
            *(self._calibration.belt.start + box.x, box.y, box.w, box.h, clipped, mask),  # boxes are of the belt
            touching=part.touching,
            parted=part.parted or region.parted,
            faulty=unknown,
            mended=mended,
        )

    def _beyond(self, box: Box, end: int) -> bool:
        """Tell whether a box, as the high layer sees it, reaches over a side of the belt or an end of the scan."""
        belt, fit = self._calibration.belt, self._calibration.registration
        if fit is None:
            return False
        ends = box.x, box.x + box.w - 1
        first, last = (fit.scale * (x + belt.start) + fit.column_offset - belt.start for x in ends)
        # a pixel reaches half a pixel about its centre
        rows = box.y + fit.row_offset, box.y + box.h - 1 + fit.row_offset
        within = rows[0] >= -0.5 and rows[1] <= end - 0.5
        return bool(first < -0.5 or last > belt.stop - belt.start - 0.5 or not within)

    def _placed(self, box: Box, held: Held) -> NDArray[np.float32]:
        """Return the high layer's transmission (h, w) where the low layer sees the box, by cubic splines."""
        fit = self._calibration.registration
        if fit is None or held.placed is None:
            raise ValueError("the layers' registration is not known")
        around = held.placed.within(*grown(seen(box, fit, self._taps, held.end), SPLINES, self._below))
        columns = slice(box.x, box.x + box.w)
        index, weights = self._taps.places[:, columns], self._taps.weights[:, columns]  # (4, w) each
        lag = math.floor(fit.row_offset)
        rows = taps(box.y + lag - around.top + (fit.row_offset - lag), 1.0, box.h, len(around.values))
        return resample(spline_of(around.values), rows, Taps(index - around.left, weights))

    def _own(
        self, particle: Particle, place: Box, around: Around, noise: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the unregistered high layer in the box, and where it shows the particle and others by its own mask."""
        values, mask = around.values, particle.mask
        y, x = place.y - around.top, place.x - around.left
        box = slice(y, y + place.h), slice(x, x + place.w)
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
