"""The stretch of a scan that is in memory: both layers as transmission, by absolute lines."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.lines import LayerReader
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import Corrector, line_levels
from oresort.scan.calibrate.register import Registration
from oresort.scan.calibrate.resample import resample, spline_of
from oresort.scan.segment.mask import Cover, find_cover, limits
from oresort.scan.segment.particle import MaskRule

HALO = 24
"""Lines kept around whatever is cut: registration needs a few, splines a dozen, another layer's mask more."""

_REACH = 14
"""Lines that a mask depends on: 13 for the released data's rule, of which the search for bare belt takes 3."""


class Box(NamedTuple):
    """Lines and belt columns `y:y+h, x:x+w`, in pixels of the whole belt."""

    y: int
    x: int
    h: int
    w: int


class Window:
    """Lines of both layers between what was given out and what was read last.

    Args:
        calibration: of this scan.
        correct: False leaves columns and lines as they are.
        rule: mask rule on counts instead of the noise-aware one (the released data's, say).
    """

    def __init__(self, calibration: Calibration, correct: bool, rule: MaskRule | None) -> None:
        belt = calibration.belt
        self._columns = (calibration.low, calibration.high)
        self._correctors = [Corrector(columns, belt, correct) for columns in self._columns]
        self._limits = [limits(columns.noise[belt]) for columns in self._columns]
        self._correct, self._rule = correct, rule
        self._width = belt.stop - belt.start
        self._fit = calibration.registration
        self._layers = [np.empty((0, self._width), np.float32) for _ in range(2)]
        self._levels = [np.empty(0, np.float32) for _ in range(2)]
        self._weak = np.empty((0, self._width), np.uint8)
        self._strong = self._weak
        self._seen = 0  # lines whose masks and levels are final
        self._given = 0  # lines whose masks were given out, with all that may lie around them in memory
        self.top = 0
        """First line in memory."""
        # which column of the low layer sees what a column of the high layer sees
        scale, offset = (1.0, 0.0) if self._fit is None else (self._fit.scale, self._fit.column_offset)
        self._partner = np.array([[1 / scale, 0, (belt.start - offset) / scale - belt.start], [0, 1, 0]])
        self._start = belt.start

    def read(self, reader: LayerReader, layer: int, start: int, stop: int) -> NDArray[np.float32]:
        """Return lines of a layer (0 low, 1 high) as transmission of the belt; safe in a thread of its own."""
        return self._correctors[layer](reader.read(start, stop))

    def append(
        self, layers: list[NDArray[np.float32]], last: bool, needed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Add new lines, forget those above line `needed`, and return the next lines' weak and strong mask."""
        drop = max(min(needed, self._given) - HALO - self.top, 0)
        self._layers = [
            np.concatenate([kept[drop:], new]) for kept, new in zip(self._layers, layers, strict=True)
        ]
        self._levels = [levels[drop:] for levels in self._levels]
        self.top += drop
        end = self.top + len(self._layers[0])
        ready = end if last else max(end - _REACH, self._seen)
        begin = max(self._seen - _REACH, self.top)
        cover = self.cover(self._layers[0][begin - self.top :], 0)
        cover = Cover(*(mask[self._seen - begin : ready - begin] for mask in cover))
        for index, layer in enumerate(self._layers):
            fresh = layer[self._seen - self.top : ready - self.top]
            level = np.ones(len(fresh), np.float32)
            if self._correct and len(fresh):
                level = line_levels(fresh, cover.bare if index == 0 else self._seen_high(cover.bare))
            self._levels[index] = np.concatenate([self._levels[index], level])
        self._weak = np.concatenate([self._weak[drop:], cover.weak])
        self._strong = np.concatenate([self._strong[drop:], cover.strong])
        self._seen = ready
        give = ready if last else max(ready - HALO, self._given)
        lines = slice(self._given - self.top, give - self.top)
        self._given = give
        return self._weak[lines], self._strong[lines]

    def _seen_high(self, bare: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a mask of the low layer's lines (n, belt) on the high layer's columns, to the nearest one."""
        size = (bare.shape[1], bare.shape[0])
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(bare, self._partner, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    def cover(self, transmission: NDArray[np.float32], layer: int, start: int = 0) -> Cover:
        """Return the masks of some lines of a layer (0 low, 1 high) from belt column `start` on."""
        if self._rule is None:
            return find_cover(transmission, self._limits[layer][start : start + transmission.shape[1]])
        level = self._columns[layer].level
        mask = self._rule(np.rint(transmission * level).astype(np.uint16), level).astype(np.uint8)
        bare = cv2.erode(1 - mask, np.ones((7, 7), np.uint8), borderType=cv2.BORDER_REPLICATE)
        return Cover(mask, mask, np.asarray(bare))

    def around(self, box: Box, layer: int, margin: int) -> tuple[NDArray[np.float32], int, int]:
        """Return a layer's transmission in a box grown by `margin` as far as the scan goes, its y and x."""
        rows = slice(max(box.y - margin - self.top, 0), box.y + box.h + margin - self.top)
        columns = slice(max(box.x - margin, 0), box.x + box.w + margin)
        levels = self._levels[layer][rows]
        counts = self._layers[layer][rows, columns][: len(levels)]
        return np.asarray(counts / levels[:, None], np.float32), rows.start + self.top, columns.start

    def weak(self, box: Box) -> NDArray[np.bool_]:
        """Return what of a box is covered by whatever, (h, w)."""
        rows = slice(box.y - self.top, box.y + box.h - self.top)
        return self._weak[rows, box.x : box.x + box.w].view(np.bool_)

    def beyond(self, box: Box, fit: Registration) -> bool:
        """Tell whether a box, as the high layer sees it, reaches over a side of the belt."""
        first, last = (
            fit.scale * (x + self._start) + fit.column_offset - self._start
            for x in (box.x, box.x + box.w - 1)
        )
        return bool(first < -0.5 or last > self._width - 0.5)

    def registered(self, box: Box, fit: Registration) -> NDArray[np.float32]:
        """Return the high layer's transmission (h, w) where the low layer sees the box, by cubic splines."""
        first, last = (fit.scale * (x + self._start) + fit.column_offset for x in (box.x, box.x + box.w))
        x = int(np.floor(first)) - self._start
        wide = Box(box.y, max(x, 0), box.h, max(int(np.ceil(last)) - self._start - x, 1))
        around, top, left = self.around(wide, 1, HALO // 2)
        row = box.y + fit.row_offset - top
        column = first - self._start - left
        return resample(spline_of(around), fit.scale, column, row, (box.h, box.w))
