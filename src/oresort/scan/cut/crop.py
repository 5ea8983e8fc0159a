"""Cut one particle out of the lines in memory, registered or the way the paper's data were cut."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.resample import lines_at, resample
from oresort.scan.cut.held import HALO, Around, Box, Held, grown, lines_below, seen, seen_columns
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
        self._calibration, self._options = calibration, options
        self._taps, self._rule, self._below = seen_columns(calibration), MASKS[options.mask], lines_below(options)
        self._near = BESIDE[options.mask]  # pixels beside it that a pixel's mask depends on
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
        low, covered = held.low[here], held.weak[here]
        box = Box(held.region.y + top, held.region.x + left, h, w)
        placed = None if held.placed is None else self._placed(box, held)
        covered_high = covered
        if held.own is not None:
            high, mask_high, covered_high = self._own(
                mask, part.parted or held.region.parted, box, held.own, held.noise
            )
        elif placed is not None:
            high = placed
        else:
            raise ValueError("neither registered nor as imaged: nothing of the high layer is here")
        own_level = (calibration.low if options.correct else calibration.high).level
        crops = (
            _counts(low, calibration.low.level, mask, covered, options.background),
            _counts(high, own_level, mask_high, covered_high, options.background),
        )
        # of the high layer both as it is cut and on the low layer's pixels, which are two where that is known
        seen = attenuation_of([low, high] if placed is None or high is placed else [low, high, placed])
        layers = compared(seen[0], seen[-1], mask, registered=placed is not None)
        # of the high layer: Compton scattering, which goes with mass, has a larger share there than in the low one
        seen[1] *= mask_high
        mass = cv2.sumElems(seen[1])[0]
        return Cut(self._particle(held, part, box, layers.agree), *crops, mass, layers.low, layers.high)

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

    def _placed(self, box: Box, held: Held) -> NDArray[np.float32]:
        """Return the high layer's transmission (h, w) where the low layer sees the box, by cubic splines."""
        fit = self._calibration.registration
        if fit is None or held.placed is None:
            raise ValueError("the layers' registration is not known")
        around = held.placed.within(*seen(box, fit, self._taps, held.end, self._below))
        lag = math.floor(fit.row_offset)
        height, width = around.values.shape
        rows = lines_at(box.y + lag - around.top + (fit.row_offset - lag), box.h, height)
        return resample(around.values, rows, self._taps.blocks(box.x, box.x + box.w, around.left, width))

    def _own(
        self, mask: NDArray[np.bool_], parted: bool, box: Box, own: Around, noise: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the unregistered high layer in a part's box, and where it shows that part, and anything at all."""
        y, x = box.y - own.top, box.x - own.left
        high = own.values[y : y + box.h, x : x + box.w]
        cover, place = self._shown(box, self._near, own, noise)
        covered = cover[place].view(np.bool_)
        # where the high layer shows nothing, or the neighbours as well, the low layer's mask must do
        if parted or not np.count_nonzero(covered & mask):
            return high, mask, covered
        if cv2.connectedComponents(cover[place], connectivity=8)[0] == 2:  # the belt, and one thing on it
            return high, covered, covered
        # from beyond the box, so that what is cut in two by its rim stays one
        cover, place = self._shown(box, HALO, own, noise)
        labels = cv2.connectedComponents(cover, connectivity=8)[1][place]  # (h, w)
        overlap = np.bincount(labels[mask], minlength=2)  # (labels,): pixels shared with the low layer's mask
        overlap[0] = 0
        return high, labels == overlap.argmax(), covered

    def _shown(
        self, box: Box, margin: int, own: Around, noise: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], tuple[slice, slice]]:
        """Return what the high layer covers in a box grown by a margin, by its own mask, and where in it the box is."""
        around = own.within(*grown(box, margin, self._below))
        columns = noise[around.left - own.left :][: around.values.shape[1]]
        y, x = box.y - around.top, box.x - around.left
        cover = self._rule(around.values, self._calibration.high.level, columns).weak
        return cover, (slice(y, y + box.h), slice(x, x + box.w))


def _counts(
    transmission: NDArray[np.float32],
    level: float,
    mask: NDArray[np.bool_],
    covered: NDArray[np.bool_],
    background: str,
) -> NDArray[np.uint16]:
    # 0 is the mark of background, so the darkest pixel of a particle has one count
    counts = np.maximum(counts_of(transmission, level), np.uint16(1))
    if background == "zero":
        counts *= mask
        return counts
    return np.where(covered & ~mask, np.uint16(round(level)), counts)
