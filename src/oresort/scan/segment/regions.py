"""Connected regions of an endless mask: lines go in, regions come out whole as soon as they have ended."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting

LONGEST = 2_000
"""Lines after which an unfinished region is cut, so that memory has a bound; about 0.8 m of belt."""


class Region(NamedTuple):
    """One connected region, in pixels of the whole mask."""

    y: int
    x: int
    mask: NDArray[np.bool_]
    """Its pixels (h, w)."""
    open: tuple[bool, bool, bool, bool]
    """Whether its first row, first column, last row and last column lie at a border of the mask, or where it
    had to be cut at `LONGEST` lines."""

    @property
    def clipped(self) -> bool:
        """A part of it may be missing."""
        return any(self.open)


class RegionTracker:
    """Labels a mask handed in by stretches of lines; the regions do not depend on how it was cut.

    Args:
        width: columns of the mask.
        min_area: smaller regions are dropped, pixels.
        longest: lines after which an unfinished region is given out as it is.
    """

    def __init__(self, width: int, min_area: int = Cutting.min_area, longest: int = LONGEST) -> None:
        self._min_area, self._longest = min_area, longest
        self._weak = np.empty((0, width), np.uint8)
        self._strong = np.empty((0, width), np.uint8)
        self._borders = {0}  # lines at which the mask begins, or a region was cut
        self.top = 0
        """First line that is still needed: no region to come begins above it."""

    def push(self, weak: NDArray[np.uint8], strong: NDArray[np.uint8], last: bool) -> list[Region]:
        """Take the next lines (n, W), uint8 0 or 1, and return the regions that ended; all if `last`.

        A region is a part of `weak`, connected by sides or corners, that holds some of `strong`.
        """
        before = self.top + len(self._weak)  # lines labelled so far
        self._weak = np.concatenate([self._weak, weak])
        self._strong = np.concatenate([self._strong, strong])
        height, width = self._weak.shape
        if not height:
            return []
        _, labels, stats, _ = cv2.connectedComponentsWithStats(self._weak, connectivity=8, ltype=cv2.CV_32S)
        left, top, wide, tall, area = stats[1:].T
        bottom = top + tall
        # those that ended above the last line seen before have been given out then
        fresh = self.top + bottom >= before
        running = (bottom == height) & fresh
        if last or (running.any() and height - top[running].min() > self._longest):
            ended, next_top = fresh, height
        else:
            ended, next_top = fresh & ~running, int(top[running].min(initial=height))
        found = []
        for index in np.flatnonzero(ended & (area >= self._min_area)):
            box = (
                slice(top[index], bottom[index]),
                slice(left[index], left[index] + wide[index]),
            )
            mask = labels[box] == index + 1
            if not (self._strong[box].view(np.bool_) & mask).any():
                continue
            first = self.top + int(top[index])
            ends = (
                first in self._borders,
                bool(left[index] == 0),
                bool(bottom[index] == height),
                bool(left[index] + wide[index] == width),
            )
            found.append(Region(first, int(left[index]), mask, ends))
        self._drop(next_top, cut=next_top == height and bool(running.any()))
        return found

    def _drop(self, lines: int, cut: bool) -> None:
        self._weak, self._strong = self._weak[lines:], self._strong[lines:]
        self.top += lines
        if cut:
            self._borders.add(self.top)
