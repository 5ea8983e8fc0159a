"""What a scan's lines show of one region, kept while they go by: from it particles are parted and cut anywhere."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.register import Registration
from oresort.scan.calibrate.resample import SPLINES, Taps, taps
from oresort.scan.health.patch import Patch
from oresort.scan.segment.mask import BESIDE
from oresort.scan.segment.regions import Region

HALO = 24  # lines and columns at least around whatever is cut: splines need a dozen, the high layer's own mask more
BELOW = 5  # of these below it, for which a particle waits: what splines take from beyond is 5 counts of 52,350 at most


class Box(NamedTuple):
    """Lines and belt columns `y:y+h, x:x+w`, in pixels of the whole belt."""

    y: int
    x: int
    h: int
    w: int


class Around(NamedTuple):
    """A layer's transmission about a particle, as far as the scan goes."""

    values: NDArray[np.float32]  # (H, W)
    top: int  # line of its first row
    left: int  # belt column of its first one

    def within(self, top: int, bottom: int, left: int, right: int) -> "Around":
        """Return what of it lies in these lines and belt columns."""
        top, left = max(top, self.top), max(left, self.left)
        return Around(self.values[top - self.top : bottom - self.top, left - self.left : right - self.left], top, left)


class Held(NamedTuple):
    """One region that has ended, and the lines about it."""

    region: Region
    low: NDArray[np.float32]  # transmission (h, w) in its box
    weak: NDArray[np.bool_]  # (h, w), what is covered there by whatever
    high: (
        Around  # the high layer about where the low one sees it, if that is known, and about the same box, if asked for
    )
    noise: NDArray[np.float32]  # of its columns (W,)
    unknown: tuple[Patch, ...]  # what of its lines is faulty; columns that are dead for ever are not among these
    end: int  # lines of the scan that were known


def seen_columns(calibration: Calibration) -> Taps:
    """Return what to take of the high layer's belt columns for each of the low one's (W of the belt)."""
    belt, fit = calibration.belt, calibration.registration
    scale, offset = (1.0, 0.0) if fit is None else (fit.scale, fit.column_offset)
    width = belt.stop - belt.start
    return taps(scale * belt.start + offset - belt.start, scale, width, width)


def lines_below(options: Cutting) -> int:
    """Return the lines below a particle that are looked at."""
    return max(BELOW, BESIDE[options.mask])


def grown(box: Box, margin: int, below: int) -> tuple[int, int, int, int]:
    """Return first and last line and column, one past, of a box grown by a margin: downwards by `below` at most."""
    return box.y - margin, box.y + box.h + min(margin, below), box.x - margin, box.x + box.w + margin


def seen(box: Box, fit: Registration, columns: Taps, end: int, below: int) -> tuple[int, int, int, int]:
    """Return what of the high layer, of which `end` lines are known, the low layer's box is made of, as `grown`."""
    top = min(box.y + math.floor(fit.row_offset), end - 1)  # beyond the end the last line must do
    return top - SPLINES, top + box.h + min(SPLINES, below), *columns.pixels(box.x, box.x + box.w)
