"""The stretch of a scan that is in memory: both layers as transmission with their masks, by absolute lines."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import Corrector, line_levels
from oresort.scan.calibrate.register import Registration
from oresort.scan.calibrate.resample import resample, spline_of
from oresort.scan.segment.mask import MASKS, REACH, Cover

HALO = 24  # lines kept around whatever is cut: registration needs a few, splines a dozen, another layer's mask more


class Box(NamedTuple):
    """Lines and belt columns `y:y+h, x:x+w`, in pixels of the whole belt."""

    y: int
    x: int
    h: int
    w: int


class Window:
    """The one owner of a scan's lines.

    A line goes through three stages, each some lines behind the one before: read; masked and levelled, once all
    that a mask depends on is read; ready to be cut, once all that may lie around a particle is masked.
    """

    def __init__(self, calibration: Calibration, options: Cutting) -> None:
        belt = calibration.belt
        self._columns = (calibration.low, calibration.high)
        self._correctors = [Corrector(columns, belt, options.correct) for columns in self._columns]
        self._correct, self._rule = options.correct, MASKS[options.mask]
        self._start, self._width = belt.start, belt.stop - belt.start
        self._layers = [np.empty((0, self._width), np.float32) for _ in range(2)]  # (n, W), from `_top` on
        self._levels = [np.empty(0, np.float32) for _ in range(2)]  # (n,), to `_final`
        self._weak = self._strong = np.empty((0, self._width), np.uint8)  # (n, W), to `_final`
        self._top = self._final = 0
        # which column of the low layer sees what a column of the high layer sees
        fit = calibration.registration
        scale, offset = (1.0, 0.0) if fit is None else (fit.scale, fit.column_offset)
        self._partner = np.array([[1 / scale, 0, (belt.start - offset) / scale - belt.start], [0, 1, 0]])  # (2, 3)

    def append(self, counts: tuple[NDArray[np.uint16], NDArray[np.uint16]], needed: int) -> None:
        """Add lines of both layers (n, columns of the scan), and forget those that line `needed` does not need."""
        drop = max(needed - HALO - self._top, 0)
        self._layers = [
            np.concatenate([kept[drop:], corrector(new)])
            for kept, corrector, new in zip(self._layers, self._correctors, counts, strict=True)
        ]
        self._levels = [levels[drop:] for levels in self._levels]
        self._weak, self._strong = self._weak[drop:], self._strong[drop:]
        self._top += drop

    def finish_lines(self, last: bool) -> None:
        """Mask and level the lines of which enough is read, or all of them if no more will come."""
        end = self._top + len(self._layers[0])
        final = end if last else max(end - REACH, self._final)
        if final == self._final:
            return
        begin = max(self._final - REACH, self._top)  # what lies above these lines also counts in their masks
        # masks before levels: a line's level is the mean of its bare belt, and masks bear a few parts in a thousand
        cover = self.cover(self._layers[0][begin - self._top :], 0)
        cover = Cover(*(mask[self._final - begin : final - begin] for mask in cover))  # (n, W) each
        fresh = slice(self._final - self._top, final - self._top)
        flags, border = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
        size = cover.bare.shape[::-1]
        # the lag, a part of a line, does not matter: bare belt keeps three pixels off anything
        bare_high = cv2.warpAffine(cover.bare, self._partner, size, flags=flags, borderMode=border)
        for index, bare in enumerate((cover.bare, np.asarray(bare_high, np.uint8))):
            level = np.ones(final - self._final, np.float32)  # (n,)
            if self._correct:
                level = line_levels(self._layers[index][fresh], bare)
            self._levels[index] = np.concatenate([self._levels[index], level])
        self._weak = np.concatenate([self._weak, cover.weak])
        self._strong = np.concatenate([self._strong, cover.strong])
        self._final = final

    def masks(self, first: int, last: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the weak and the strong mask (n, W) of all lines from `first` on that are ready to be cut."""
        # registration reads lines around a particle, which must be levelled by then
        stop = self._final if last else max(self._final - HALO, first)
        lines = slice(first - self._top, stop - self._top)
        return self._weak[lines], self._strong[lines]

    def cover(self, transmission: NDArray[np.float32], layer: int, start: int = 0) -> Cover:
        """Return the masks (n, w) of some lines of a layer (0 low, 1 high) from belt column `start` on."""
        first = self._start + start
        noise = self._columns[layer].noise[first : first + transmission.shape[1]]
        return self._rule(transmission, self._columns[layer].level, noise)

    def around(self, box: Box, layer: int, margin: int) -> tuple[NDArray[np.float32], int, int]:
        """Return a layer's transmission in a box grown by `margin` as far as the scan goes, its y and x."""
        rows = slice(max(box.y - margin - self._top, 0), box.y + box.h + margin - self._top)
        columns = slice(max(box.x - margin, 0), box.x + box.w + margin)
        levels = self._levels[layer][rows]  # (n,), fewer at the scan's end
        lines = self._layers[layer][rows, columns][: len(levels)]  # (n, w)
        return np.asarray(lines / levels[:, None], np.float32), rows.start + self._top, columns.start

    def weak(self, box: Box) -> NDArray[np.bool_]:
        """Return what of a box is covered by whatever, (h, w)."""
        rows = slice(box.y - self._top, box.y + box.h - self._top)
        return self._weak[rows, box.x : box.x + box.w].view(np.bool_)

    def beyond(self, box: Box, fit: Registration) -> bool:
        """Tell whether a box, as the high layer sees it, reaches over a side of the belt."""
        ends = box.x, box.x + box.w - 1
        first, last = (fit.scale * (x + self._start) + fit.column_offset - self._start for x in ends)
        # a pixel reaches half a pixel about its centre
        return bool(first < -0.5 or last > self._width - 0.5)

    def registered(self, box: Box, fit: Registration) -> NDArray[np.float32]:
        """Return the high layer's transmission (h, w) where the low layer sees the box, by cubic splines."""
        first, last = (fit.scale * (x + self._start) + fit.column_offset for x in (box.x, box.x + box.w))
        x = int(np.floor(first)) - self._start
        wide = Box(box.y, max(x, 0), box.h, max(int(np.ceil(last)) - self._start - x, 1))
        # in a spline a pixel's weight falls to 0.27 with each pixel of distance: beyond a dozen none is left
        around, top, left = self.around(wide, 1, HALO // 2)
        column, row = first - self._start - left, box.y + fit.row_offset - top
        return resample(spline_of(around), fit.scale, column, row, (box.h, box.w))
