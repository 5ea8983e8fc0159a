"""What both layers show of the particles on a few stretches of a scan, and whether they show the same."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.correct import mendable
from oresort.scan.calibrate.register import DIFFERENT, MARGIN, LayersDifferError, Seen
from oresort.scan.fault import runs
from oresort.scan.health.judge import Judge
from oresort.scan.segment.mask import noise_cover
from oresort.scan.segment.regions import Regions
from oresort.scan.segment.split import is_convex

_SINGLE = 0.94  # share of the convex hull of a single particle; stricter than where crops are cut
_ALONE = 0.3  # share of particles which one layer alone shows, from which the layers are of two scans
_DARKEST = np.float32(1e-3)  # transmission that is as good as none


@dataclass
class Sample:
    """What is known of how a scan's layers overlie."""

    seen: list[Seen] = field(default_factory=list)
    matched: int = 0  # particles that both layers show somewhere near each other
    alone: list[int] = field(default_factory=lambda: [0, 0])  # that only the low, only the high layer shows

    def check(self) -> list[str]:
        """Return what looks wrong, one line each.

        Raises:
            LayersDifferError: the layers show different particles.
        """
        count = sum(self.alone)
        if count > _ALONE * (count + self.matched):
            raise LayersDifferError(DIFFERENT)
        low, high = self.alone
        return [
            f"{count} of {count + self.matched} particles are on the {layer} layer alone; look at the overlay"
            for layer, count in (("low", low), ("high", high))
            if count
        ]

    def add(
        self,
        start: int,
        counts: tuple[NDArray[np.uint16], NDArray[np.uint16]],
        layers: tuple[Columns, Columns],
        belt: slice,
    ) -> None:
        """Take a stretch of both layers (n, W) in counts, from line `start` of the scan on.

        What is faulty and not mended is left out, and what lies so near it that registration would look at it.
        """
        lines, patches = Judge(layers, belt, correct=True).take(counts, last=True)
        flat = [np.ascontiguousarray(lines[:, layer]) for layer in range(2)]  # (n, belt) each, as is what is known
        known = np.ones((len(lines), lines.shape[2]), np.uint8)
        for columns, faulty in zip(layers, patches, strict=True):
            for patch in faulty:
                if not patch.mended:
                    known[patch.top : patch.bottom, patch.left : patch.right] = 0
            for span in runs(np.flatnonzero(columns.dead[belt])):
                if not mendable(span, known.shape[1]):
                    known[:, span] = 0
        known = np.asarray(cv2.erode(known, np.ones((2 * MARGIN + 1,) * 2, np.uint8)), np.uint8)
        covers = [noise_cover(lines, 1.0, columns.noise[belt]) for lines, columns in zip(flat, layers, strict=True)]
        # weak masks are all that a layer shows of the other's particles
        near = [cv2.dilate(cover.weak, np.ones((2 * MARGIN + 1,) * 2, np.uint8)) for cover in covers]
        attenuation = [-np.log(np.maximum(lines, _DARKEST)) for lines in flat]
        for index, cover in enumerate(covers):
            for region in Regions().ended(cover.weak, cover.strong, last=True):
                h, w = region.mask.shape
                box = slice(region.y, region.y + h), slice(region.x, region.x + w)
                if not known[box][region.mask].all():
                    continue
                # what lies at a border may lie beyond it for the other layer
                alone = not near[1 - index][box][region.mask].any() and not region.clipped
                self.alone[index] += alone
                if index:
                    continue
                self.matched += not alone
                top, left = max(region.y - MARGIN, 0), max(region.x - MARGIN, 0)
                around = slice(top, region.y + h + MARGIN), slice(left, region.x + w + MARGIN)
                low, high = (layer[around].copy() for layer in attenuation)  # (h, w) each
                mask = np.zeros(low.shape, np.bool_)
                mask[region.y - top :, region.x - left :][:h, :w] = region.mask
                # those clipped by a border serve as well: what is missing of them is missing in both layers
                single = is_convex(region.mask, _SINGLE)
                self.seen.append(Seen(low, high, mask, start + top, belt.start + left, single))
