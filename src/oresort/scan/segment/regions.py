"""Connected regions of an endless mask: they come out whole as soon as they have ended."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.segment.growing import Growing, Piece, measured, runs_of
from oresort.scan.segment.split import ended_parts

LONGEST = 2_000  # lines after which an unfinished region is cut, so that memory has a bound; about 0.8 m of belt
_PIECE = 64  # lines labelled at a time: what a larger piece saves in seams it loses in cache
_PACE = 2_000  # pixels of a clump's box for each line until it is looked at again: 0.2 ms of computing
_SHARE, _SAVED = 250, 16_000  # pixels of clumps looked at for each line on average, and at once: so in a crowd as well
_CLUMP = 32  # lines, fewer than of two particles of which one has ended


class Region(NamedTuple):
    """One connected region, in pixels of the whole mask."""

    y: int
    x: int
    mask: NDArray[np.bool_]  # (h, w)
    open: tuple[bool, bool, bool, bool]
    """Whether its first row, first column, last row and last column lie at the mask's border or a cut at `LONGEST`."""
    parted: bool = False  # it touched another one, and was parted from it while that one went on
    convex: bool = False  # it is known to fill its hull: nothing is to be parted

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
        self._width = 0
        self._border = 0  # line at which the mask begins, or all that ran was cut last
        self._seen = 0  # lines looked at so far
        self._pixels = _SAVED  # of clumps that may be looked at
        self._asked = 0  # line at which that was told last
        self._growing: list[Growing] = []  # all that reach the last line seen
        self._last: list[tuple[int, int, Growing]] = []  # runs along that line: first column, one past the last, whose

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
            found += self._out(self._add(weak[start:stop], strong[start:stop]), cut=False)
            start = stop
            if self._seen - self.top > self._longest:
                # one cut for all that runs: lines kept for a shorter region would show the long one's rest again
                found += self._end_all()
        return found + self._end_all() if last else found

    def parted(self) -> list[Region]:
        """Part from a clump that goes on what has ended of it, and return it: it need not wait for the rest.

        One clump is looked at, the one whose turn it is, or in a crowd none for a while: what that costs must not hold
        up whatever else has ended. It depends on the lines seen so far: whoever wants the same regions always asks
        after the same lines.
        """
        self._pixels = min(self._pixels + _SHARE * (self._seen - self._asked), _SAVED)
        self._asked = self._seen
        if self._pixels < 0:
            return []
        due = [one for one in self._growing if one.strong and self._seen >= max(one.ending, one.top + _CLUMP)]
        due.sort(key=lambda one: one.ending)
        clump = next((one for one in due if not one.is_convex(self._options.convex)), None)
        if clump is None or not (parts := self._apart(clump)):
            return []
        place = self._growing.index(clump)
        self._growing[place : place + 1] = [part for part in parts if part.bottom == self._seen]
        self._last = [(start, stop, region.part_at(start)) for start, stop, region in self._last]
        return self._out([part for part in parts if part.bottom < self._seen], cut=False)

    def _apart(self, region: Growing) -> list[Growing]:
        """Return what a clump consists of once what has ended is parted from it; nothing, where nothing has."""
        options = self._options
        mask = region.whole()
        ended = ended_parts(mask, neck=options.neck, min_area=options.min_area)
        # the time it takes goes with the pixels: a sheet of rock must not hold the belt up, nor others for long
        self._pixels = max(self._pixels - mask.size, -_SAVED)
        region.ending = max(region.top + ended.height, self._seen + mask.size // _PACE)
        if not ended.parts:
            return []
        rest = mask & ~np.logical_or.reduce(ended.parts)
        for pixels in (*ended.parts, rest):  # one by one, for parts lie side by side
            count, labels = cv2.connectedComponents(pixels.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
            piece = Piece(region.top, region.left, np.asarray(labels, np.int32))
            region.became += measured(piece, runs_of(pixels.view(np.uint8), piece.labels), np.ones(count - 1, np.bool_))
        for part in region.became:
            part.parted = True
        return region.became

    def _end_all(self) -> list[Region]:
        found = self._out(self._growing, cut=True)
        self._growing, self._last, self._border = [], [], self._seen
        return found

    def _add(self, weak: NDArray[np.uint8], strong: NDArray[np.uint8]) -> list[Growing]:
        """Label lines (n, W), join them to what grows, and return what has ended before their last one."""
        height, self._width = weak.shape
        count, labels = cv2.connectedComponents(weak, connectivity=8, ltype=cv2.CV_32S)
        first = self._seen
        piece = Piece(first, 0, np.asarray(labels, np.int32))
        self._seen += height
        if count == 1:
            ended, self._growing, self._last = self._growing, [], []
            return ended
        runs = runs_of(weak, piece.labels)
        sure = np.zeros(count - 1, np.bool_)
        sure[runs_of(strong, piece.labels).labels] = True  # strong is a part of weak
        fresh = measured(piece, runs, sure)
        above = iter(self._last)
        run = next(above, None)
        for start, stop, label in runs.of_line(0):
            while run is not None and run[0] <= stop:  # diagonal contacts count
                if run[1] >= start:
                    run[2].head().meet(fresh[label].head(), first)
                if run[1] > stop:  # it may meet the next one as well
                    break
                run = next(above, None)
        heads = [region for region in (*self._growing, *fresh) if region.into is None]
        self._growing = [region for region in heads if region.bottom == self._seen]
        self._last = [(start, stop, fresh[label].head()) for start, stop, label in runs.of_line(height - 1)]
        return [region for region in heads if region.bottom < self._seen]

    def _out(self, regions: list[Growing], cut: bool) -> list[Region]:
        found = []
        for region in sorted(regions, key=lambda one: (one.bottom, one.top, one.left)):
            if region.area < self._options.min_area or not region.strong:
                continue
            ends = region.top == self._border, region.left == 0, cut, region.right == self._width
            # the ends of its runs are here; from its pixels it takes six times as long
            convex = self._options.split and region.is_convex(self._options.convex)
            found.append(Region(region.top, region.left, region.whole(), ends, region.parted, convex))
        return found
