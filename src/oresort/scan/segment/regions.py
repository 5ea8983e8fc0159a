"""Connected regions of an endless mask: they come out whole as soon as they have ended."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting

LONGEST = 2_000  # lines after which an unfinished region is cut, so that memory has a bound; about 0.8 m of belt


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


class Regions:
    """Follows the regions of a mask of which ever more lines are known; it keeps counters, no lines.

    Regions of fewer than `min_area` pixels are dropped; one of `longest` lines is given out unfinished.
    """

    def __init__(self, min_area: int = Cutting.min_area, longest: int = LONGEST) -> None:
        self._min_area, self._longest = min_area, longest
        self._borders = {0}  # lines at which the mask begins, or a region was cut
        self._seen = 0  # lines looked at so far
        self.top = 0  # first line that is still needed: no region to come begins above it

    def ended(self, weak: NDArray[np.uint8], strong: NDArray[np.uint8], last: bool = False) -> list[Region]:
        """Return the regions that have ended, in the order of their ends; all of them if these are the `last` lines.

        A region is a part of `weak`, connected by sides or corners, that holds some of `strong`: both are all
        lines known from `top` on (n, W), uint8 0 or 1.
        """
        found = []
        # a region must be cut at the same line however many lines come at a time: never look beyond that line
        while len(weak) > self._longest + 1:
            top = self.top
            found += self._ended(weak[: self._longest + 1], strong, last=False)
            weak, strong = weak[self.top - top :], strong[self.top - top :]
        return found + self._ended(weak, strong, last)

    def _ended(self, weak: NDArray[np.uint8], strong: NDArray[np.uint8], last: bool) -> list[Region]:
        height, width = weak.shape
        if not height:
            return []
        _, labels, stats, _ = cv2.connectedComponentsWithStats(weak, connectivity=8, ltype=cv2.CV_32S)
        left, top, wide, tall, area = stats[1:].T  # (K,) each: row 0 is what is not covered
        bottom = top + tall
        # those that ended above the last line seen before have been given out then
        fresh = self.top + bottom >= self._seen  # (K,)
        running = (bottom == height) & fresh
        cut = bool(running.any()) and height - int(top[running].min()) > self._longest
        # one cut for all that runs: lines kept for a shorter region would show the long one's rest again
        ended = fresh if last or cut else fresh & ~running
        found = []
        # by ends, then by place: the same order however many lines come at a time
        for index in np.lexsort((left, top, bottom)):
            if not ended[index] or area[index] < self._min_area:
                continue
            box = slice(top[index], bottom[index]), slice(left[index], left[index] + wide[index])
            mask = labels[box] == index + 1  # (h, w)
            if not (strong[box].view(np.bool_) & mask).any():
                continue
            y, x = self.top + int(top[index]), int(left[index])
            ends = y in self._borders, x == 0, bool(bottom[index] == height), x + int(wide[index]) == width
            found.append(Region(y, x, mask, ends))
        self._seen = self.top + height
        self.top += height if last or cut else int(top[running].min(initial=height))
        if cut:
            self._borders.add(self.top)
        return found
