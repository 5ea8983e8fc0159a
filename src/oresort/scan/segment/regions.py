"""Connected regions of an endless mask: they come out whole as soon as they have ended."""

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting

LONGEST = 2_000  # lines after which an unfinished region is cut, so that memory has a bound; about 0.8 m of belt
_PIECE = 64  # lines labelled at a time: what a larger piece saves in seams it loses in cache


class Region(NamedTuple):
    """One connected region, in pixels of the whole mask."""

    y: int
    x: int
    mask: NDArray[np.bool_]  # (h, w)
    open: tuple[bool, bool, bool, bool]
    """Whether its first row, first column, last row and last column lie at the mask's border or a cut at `LONGEST`."""

    @property
    def clipped(self) -> bool:
        """A part of it may be missing."""
        return any(self.open)


class _Piece(NamedTuple):
    first: int  # line
    labels: NDArray[np.int32]  # (n, W)


@dataclass
class _Growing:
    """A region of which more lines may come: its box, what is in it, and where its labels are."""

    top: int
    left: int
    bottom: int  # one past, as right
    right: int
    area: int
    strong: bool
    parts: list[tuple[_Piece, int]] = field(default_factory=list)

    def absorb(self, other: "_Growing") -> None:
        self.top, self.left = min(self.top, other.top), min(self.left, other.left)
        self.bottom, self.right = max(self.bottom, other.bottom), max(self.right, other.right)
        self.area, self.strong = self.area + other.area, self.strong or other.strong
        self.parts += other.parts


class Regions:
    """Follows the regions of a mask whose lines come a few at a time; each line is labelled once.

    Regions of fewer than `min_area` pixels are dropped; one of `longest` lines is given out unfinished.
    """

    def __init__(self, min_area: int = Cutting.min_area, longest: int = LONGEST) -> None:
        self._min_area, self._longest = min_area, longest
        self._border = 0  # line at which the mask begins, or all that ran was cut last
        self._seen = 0  # lines looked at so far
        self._growing: list[_Growing] = []  # all that reach the last line seen
        self._last = np.empty(0, np.int32)  # (W + 2,), which of these at each column of that line, from 1 on; 0 is none

    @property
    def top(self) -> int:
        """First line that is still needed: no region to come begins above it."""
        return min((region.top for region in self._growing), default=self._seen)

    def ended(self, weak: NDArray[np.uint8], strong: NDArray[np.uint8], last: bool = False) -> list[Region]:
        """Take further lines and return the regions that have ended with them, by their ends, then by place.

        A region is a part of `weak`, connected by sides or corners, that holds some of `strong`: both are (n, W), uint8
        0 or 1. With the `last` lines all regions end. The regions and their order are the same however many lines come
        at a time.
        """
        found: list[Region] = []
        start = 0
        while start < len(weak):
            # a region must be cut at the same line however lines come: never look beyond that line
            stop = min(start + _PIECE, start + self._longest + 1 - (self._seen - self.top), len(weak))
            found += self._out(self._add(weak[start:stop], strong[start:stop]), weak.shape[1], cut=False)
            start = stop
            if self._seen - self.top > self._longest:
                # one cut for all that runs: lines kept for a shorter region would show the long one's rest again
                found += self._end_all(weak.shape[1])
        return found + self._end_all(weak.shape[1]) if last else found

    def _end_all(self, width: int) -> list[Region]:
        found = self._out(self._growing, width, cut=True)
        self._growing, self._border = [], self._seen
        self._last[:] = 0
        return found

    def _add(self, weak: NDArray[np.uint8], strong: NDArray[np.uint8]) -> list[_Growing]:
        """Label lines (n, W), join them to what grows, and return what has ended before their last one."""
        height, width = weak.shape
        count, labels = cv2.connectedComponents(weak, connectivity=8, ltype=cv2.CV_32S)
        before = self._growing
        fresh = self._measured(_Piece(self._seen, np.asarray(labels, np.int32)), weak, strong, count)
        if not self._last.size:
            self._last = np.zeros(width + 2, np.int32)
        # diagonal contacts count: each pixel of the first line meets three of the line before
        own = labels[0]
        touching = own > 0
        pairs: list[tuple[int, int]] = []
        if before and touching.any():
            others = np.stack([self._last[shift : shift + width] for shift in range(3)])  # (3, W)
            line, column = np.nonzero((others > 0) & touching)
            met = np.sort(others[line, column].astype(np.int64) * count + own[column])
            met = met[np.append(True, met[1:] != met[:-1])[: len(met)]]
            pairs = list(zip((met // count).tolist(), (met % count).tolist(), strict=True))
        # numbers of a common count: what grew before from 1 on, then what is fresh
        everything = [*before, *fresh]
        root = list(range(len(everything)))

        def find(index: int) -> int:
            while root[index] != index:
                root[index] = root[root[index]]
                index = root[index]
            return index

        for old, new in pairs:
            one, other = sorted((find(old - 1), find(len(before) + new - 1)))
            if one != other:
                root[other] = one
                everything[one].absorb(everything[other])
        self._seen += height
        heads = [index for index in range(len(everything)) if find(index) == index]
        going = [index for index in heads if everything[index].bottom == self._seen]
        number = {index: position for position, index in enumerate(going, start=1)}
        table = np.zeros(count, np.int32)  # from this piece's labels to numbers of what grows
        for label in (np.flatnonzero(np.bincount(labels[-1])[1:]) + 1).tolist():
            table[label] = number[find(len(before) + label - 1)]
        self._last[1:-1] = table[labels[-1]]
        self._growing = [everything[index] for index in going]
        return [everything[index] for index in heads if index not in number]

    def _measured(
        self, piece: _Piece, weak: NDArray[np.uint8], strong: NDArray[np.uint8], count: int
    ) -> list[_Growing]:
        """Return each label's region, measured by its runs along lines: far fewer than its pixels."""
        if count == 1:
            return []
        height, width = weak.shape
        rows, starts, stops = _runs(weak)  # (R,) each
        label = piece.labels[rows, starts] - 1
        area = np.bincount(label, stops - starts, count - 1).astype(np.int64)
        top, left = np.full(count - 1, height), np.full(count - 1, width)
        bottom, right = np.zeros(count - 1, np.int64), np.zeros(count - 1, np.int64)
        np.minimum.at(top, label, rows)
        np.maximum.at(bottom, label, rows + 1)
        np.minimum.at(left, label, starts)
        np.maximum.at(right, label, stops)
        sure = np.zeros(count, np.bool_)
        strong_rows, strong_starts, _ = _runs(strong)
        sure[piece.labels[strong_rows, strong_starts]] = True  # strong is a part of weak
        first = piece.first
        measures = zip(*(values.tolist() for values in (top, left, bottom, right, area, sure[1:])), strict=True)
        return [
            _Growing(first + above, x, first + below, end, int(pixels), held, [(piece, index + 1)])
            for index, (above, x, below, end, pixels, held) in enumerate(measures)
        ]

    def _out(self, regions: list[_Growing], width: int, cut: bool) -> list[Region]:
        found = []
        for region in sorted(regions, key=lambda one: (one.bottom, one.top, one.left)):
            if region.area < self._min_area or not region.strong:
                continue
            mask = np.zeros((region.bottom - region.top, region.right - region.left), np.bool_)
            for piece, label in region.parts:
                first = max(piece.first, region.top)
                rows = piece.labels[first - piece.first : region.bottom - piece.first, region.left : region.right]
                mask[first - region.top : first - region.top + len(rows)] |= rows == label
            ends = region.top == self._border, region.left == 0, cut, region.right == width
            found.append(Region(region.top, region.left, mask, ends))
        return found


def _runs(mask: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return row, first column and one past the last of each run of ones along the lines of a mask (n, W)."""
    padded = np.zeros((len(mask), mask.shape[1] + 2), np.uint8)
    padded[:, 1:-1] = mask
    flat = padded.ravel()
    # a line begins and ends with 0, so that none goes on into the next; one axis is found twice as fast as two
    rows, columns = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), padded.shape[1])  # (2 R,) each, in turn
    return rows[::2], columns[::2], columns[1::2]
