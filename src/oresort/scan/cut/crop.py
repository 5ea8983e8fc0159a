"""Cut one particle out of the lines in memory, registered or the way the paper's data were cut."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.register import Registration
from oresort.scan.calibrate.resample import lines_at, resample
from oresort.scan.cut.held import HALO, Box, Held, grown, lines_below, seen, seen_columns
from oresort.scan.cut.layers import attenuation_of, compared
from oresort.scan.cut.unknown import always_unknown, touched
from oresort.scan.segment.mask import BESIDE, MASKS
from oresort.scan.segment.particle import Particle
from oresort.scan.segment.split import Part, split_touching
from oresort.xray.transmission import counts_of


class Cut(NamedTuple):
    """One particle, cut out of both layers."""

    particle: Particle
    low: NDArray[np.uint16]  # counts (h, w) in its box; outside its mask 0, or as imaged with neighbours set to air
    high: NDArray[np.uint16]
    mass_proxy: float  # sum of high attenuation over its pixels: of one material it goes with mass
    low_mean: float  # mean attenuation l of the low layer over its pixels
    high_mean: float  # and h of the high one


class Cropper:
    """Parts regions and cuts their particles, one like the other: what it gives depends on nothing else."""

    def __init__(self, calibration: Calibration, options: Cutting) -> None:
        if options.crops == "registered" and calibration.registration is None:
            raise ValueError("the layers' registration is not known")
        self._calibration, self._options = calibration, options
        self._taps, self._rule, self._below = seen_columns(calibration), MASKS[options.mask], lines_below(options)
        self._near = BESIDE[options.mask]  # pixels beside it that a pixel's mask depends on
        self._dead = always_unknown(calibration, options.correct)

    def __call__(self, held: Held) -> list[Cut]:
        """Return the particles of a region, one or more, each with its two crops.

        Corrected counts are written at the low layer's mean air level in both layers; uncorrected ones as they came.
        """
        region, wanted = held.region, self._options
        if not wanted.split or region.convex:
            return [self._cut(held, Part(region.mask, touching=False, parted=False))]
        parts = split_touching(region.mask, convex=wanted.convex, neck=wanted.neck, min_area=wanted.min_area)
        return [self._cut(held, part) for part in parts]

    def _cut(self, held: Held, part: Part) -> Cut:
        h, w = part.mask.shape
        left = top = 0
        if part.parted:
            left, top, w, h = cv2.boundingRect(part.mask.view(np.uint8))
        here = slice(top, top + h), slice(left, left + w)
        mask = mask_high = part.mask[here]  # (h, w), from here on the particle's own box
        covered = covered_high = held.weak[here]
        box = Box(held.region.y + top, held.region.x + left, h, w)
        own, fit = self._options.crops != "registered", self._calibration.registration
        # of the low layer, the high one as it is cut, and the high one on the low one's pixels, which may be the same
        transmission = np.empty((3 if own and fit else 2, h, w), np.float32)
        transmission[0] = held.low[here]
        if fit:
            self._place(box, held, fit, transmission[-1])
        if own:
            transmission[1], mask_high, covered_high = self._own(mask, part.parted or held.region.parted, box, held)
        low, high = self._counts(transmission[:2], (mask, mask_high), (covered, covered_high))
        attenuation = attenuation_of(transmission)  # (layers, h, w)
        layers = compared(attenuation[0], attenuation[-1], mask, fit is not None)
        # of the high layer: Compton scattering, which goes with mass, has a larger share there than in the low one
        attenuation[1] *= mask_high
        mass = cv2.sumElems(attenuation[1])[0]
        return Cut(self._particle(held, part, box, layers.agree), low, high, mass, layers.low, layers.high)

    def _counts(
        self,
        transmission: NDArray[np.float32],
        masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        covered: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return both layers in counts (h, w) each, of their transmission (2, h, w), with their background."""
        levels = [self._calibration.low.level] * 2
        _, h, w = transmission.shape
        if self._options.correct:
            counts = counts_of(transmission.reshape(2 * h, w), levels[0]).reshape(2, h, w)  # one call for both
        else:
            levels[1] = self._calibration.high.level
            counts = np.stack([counts_of(layer, level) for layer, level in zip(transmission, levels, strict=True)])
        for layer, mask, weak, level in zip(counts, masks, covered, levels, strict=True):
            # 0 is the mark of background, so the darkest pixel of a particle has one count; few are that dark
            if cv2.countNonZero(layer) < layer.size:
                np.maximum(layer, np.uint16(1), out=layer)
            if self._options.background == "zero":
                layer *= mask
            else:
                layer[weak & ~mask] = round(level)
        return counts[0], counts[1]

    def _particle(self, held: Held, part: Part, box: Box, agree: bool) -> Particle:
        """Return a part of a region as a particle of the scan; its layers `agree` or not."""
        region = held.region
        height, width = region.mask.shape
        # of a clump at the border only the parts that reach it are clipped
        y, x = box.y - region.y, box.x - region.x
        at_ends = (y == 0, x == 0, y + box.h == height, x + box.w == width)
        clipped = any(border and here for border, here in zip(region.open, at_ends, strict=True))
        if self._options.crops == "registered":
            clipped |= self._beyond(box, held.end)
        mask = part.mask[y : y + box.h, x : x + box.w]
        unknown, mended = touched((*self._dead, *held.unknown), box.y, box.x, mask)
        return Particle(
            *(self._calibration.belt.start + box.x, box.y, box.w, box.h, clipped, mask),  # boxes are of the belt
            touching=part.touching,
            parted=part.parted or region.parted,
            faulty=unknown or not agree,
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

    def _place(self, box: Box, held: Held, fit: Registration, out: NDArray[np.float32]) -> None:
        """Put the high layer's transmission where the low layer sees the box into `out` (h, w), by cubic splines."""
        around = held.high.within(*seen(box, fit, self._taps, held.end, self._below))
        lag = math.floor(fit.row_offset)
        height, width = around.values.shape
        rows = lines_at(box.y + lag - around.top + (fit.row_offset - lag), box.h, height)
        resample(around.values, rows, self._taps.blocks(box.x, box.x + box.w, around.left, width), out)

    def _own(
        self, mask: NDArray[np.bool_], parted: bool, box: Box, held: Held
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the unregistered high layer in a part's box, and where it shows that part, and anything at all."""
        y, x = box.y - held.high.top, box.x - held.high.left
        high = held.high.values[y : y + box.h, x : x + box.w]
        cover, place = self._shown(box, self._near, held)
        covered = cover[place].view(np.bool_)
        # where the high layer shows nothing, or the neighbours as well, the low layer's mask must do
        if parted or not np.count_nonzero(covered & mask):
            return high, mask, covered
        if cv2.connectedComponents(cover[place], connectivity=8)[0] == 2:  # the belt, and one thing on it
            return high, covered, covered
        # from beyond the box, so that what is cut in two by its rim stays one
        cover, place = self._shown(box, HALO, held)
        labels = cv2.connectedComponents(cover, connectivity=8)[1][place]  # (h, w)
        overlap = np.bincount(labels[mask], minlength=2)  # (labels,): pixels shared with the low layer's mask
        overlap[0] = 0
        return high, labels == overlap.argmax(), covered

    def _shown(self, box: Box, margin: int, held: Held) -> tuple[NDArray[np.uint8], tuple[slice, slice]]:
        """Return what the high layer covers in a box grown by a margin, by its own mask, and where in it the box is."""
        around = held.high.within(*grown(box, margin, self._below))
        columns = held.noise[around.left - held.high.left :][: around.values.shape[1]]
        y, x = box.y - around.top, box.x - around.left
        cover = self._rule(around.values, self._calibration.high.level, columns).weak
        return cover, (slice(y, y + box.h), slice(x, x + box.w))
