"""Connected regions of an endless mask: they come out whole as soon as they have ended."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.segment.growing import Growing, Piece, measured
from oresort.scan.segment.split import ended_parts

LONGEST = 2_000  # lines after which an unfinished region is cut, so that memory has a bound; about 0.8 m of belt
_PIECE = 64  # lines labelled at a time: what a larger piece saves in seams it loses in cache
_CLUMP = 32  # lines, fewer than of two particles of which one has ended


class Region(NamedTuple):
    """One connected region, in pixels of the whole mask."""

    y: int
    x: int
    mask: NDArray[np.bool_]  # (h, w)
    open: tuple[bool, bool, bool, bool]
    """Whether its first row, first column, last row and last column lie at the mask's border or a cut at `LONGEST`."""
    parted: bool = False  # it touched another one, and was parted from it while that one went on

    @property
    def clipped(self) -> bool:
        """A part of it may be missing."""
        return any(self.open)


class Regions:
    """Follows the regions of a mask whose lines come a few at a time; each line is labelled once.

    Regions of fewer pixels than the options' `min_area` are dropped; one of `longest` lines is given out unfinished.
    """

    def __init__(
        self,
        options: Cutting = Cutting(),  # noqa: B008  # immutable
        longest: int = LONGEST,
    ) -> None:
        self._options, self._longest = options, longest
        self._border = 0  # line at which the mask begins, or all that ran was cut last
        self._seen = 0  # lines looked at so far
        self._growing: list[Growing] = []  # all that reach the last line seen
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

    def parted(self) -> list[Region]:
        """Part from regions that go on what has ended of them, and return it: it need not wait for the rest.

        It depends on the lines seen so far: whoever wants the same regions always asks after the same lines.
        """
        found, growing = list[Growing](), list[Growing]()
        numbers = [0]  # old ones to new ones
        fresh: list[tuple[int, Piece, int]] = []  # new number, and where it is
        for region in self._growing:
            parts = self._apart(region)
            found += [part for part in parts if part.bottom < self._seen]
            going = [part for part in parts if part.bottom == self._seen]
            as_before = parts[0] is region
            numbers.append(len(growing) + 1 if as_before else 0)
            if not as_before:
                fresh += [(len(growing) + k, *part.parts[0]) for k, part in enumerate(going, start=1)]
            growing += going
        if not found:
            return []
        self._last = np.array(numbers, np.int32)[self._last]
        for number, piece, label in fresh:
            here = slice(1 + piece.left, 1 + piece.left + piece.labels.shape[1])
            self._last[here][piece.labels[-1] == label] = number
        self._growing = growing
        return self._out(found, len(self._last) - 2, cut=False)

    def _apart(self, region: Growing) -> list[Growing]:
        """Return what a region consists of once what has ended is parted from it; itself, where nothing has."""
        options = self._options
        if (
            not region.strong
            or self._seen < max(region.ending, region.top + _CLUMP)
            or region.is_convex(options.convex)
        ):
            return [region]
        mask = region.whole()
        ended = ended_parts(mask, neck=options.neck, min_area=options.min_area)
        region.ending = region.top + ended.height
        if not ended.parts:
            return [region]
        rest = mask & ~np.logical_or.reduce(ended.parts)
        parts = []
        for pixels in (*ended.parts, rest):  # one by one, since runs of parts side by side have no end between them
            cover = pixels.view(np.uint8)
            count, labels = cv2.connectedComponents(cover, connectivity=8, ltype=cv2.CV_32S)
            parts += measured(Piece(region.top, region.left, np.asarray(labels, np.int32)), cover, cover, count)
        for one in parts:
            one.parted = True
        return parts

    def _end_all(self, width: int) -> list[Region]:
        found = self._out(self._growing, width, cut=True)
        self._growing, self._border = [], self._seen
        self._last[:] = 0
        return found

    def _add(self, weak: NDArray[np.uint8], strong: NDArray[np.uint8]) -> list[Growing]:
        """Label lines (n, W), join them to what grows, and return what has ended before their last one."""
        height, width = weak.shape
        count, labels = cv2.connectedComponents(weak, connectivity=8, ltype=cv2.CV_32S)
        before = self._growing
        fresh = measured(Piece(self._seen, 0, np.asarray(labels, np.int32)), weak, strong, count)
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

    def _out(self, regions: list[Growing], width: int, cut: bool) -> list[Region]:
        found = []
        for region in sorted(regions, key=lambda one: (one.bottom, one.top, one.left)):
            if region.area < self._options.min_area or not region.strong:
                continue
            ends = region.top == self._border, region.left == 0, cut, region.right == width
            found.append(Region(region.top, region.left, region.whole(), ends, region.parted))
        return found
