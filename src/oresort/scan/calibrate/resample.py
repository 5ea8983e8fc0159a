"""Sample a picture between its pixels, along rows and columns that stay rows and columns."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.air import belt_columns
from oresort.scan.calibrate.register import Registration
from oresort.xray.transmission import FULL_SCALE

_POLE = np.sqrt(3.0) - 2  # of the recursive filter from pixels to coefficients of a cubic spline
SPLINES = 12
"""Pixels on each side that a spline's coefficient is taken of: a pixel's weight falls to 0.27 with each of distance."""
_FALL = _POLE ** np.abs(np.arange(-SPLINES, SPLINES + 1))
_COEFFICIENT = _FALL / _FALL.sum()  # (25,), of pixels
_PIXELS = len(_COEFFICIENT) + 3  # that a value between them is made of: four coefficients side by side
_TOGETHER = 48  # rows or columns at most: the matrix of more is mostly zeros
_STRIP = 128  # pixels of them: on larger products the library starts threads, which wait for busy cores by milliseconds


class Block(NamedTuple):
    """Places side by side, the pixels that the values there are made of, and the weights (places, pixels) float32."""

    places: slice
    pixels: slice
    weights: NDArray[np.float32]


class Taps(NamedTuple):
    """What values at n places are made of: place i of pixels from i + `least` on, by the weights of its row.

    All but `_PIXELS` of the weights are 0, those from i + `shift` on. Zeros lie about a row (n, L), so that rows longer
    by one, laid one after the other, are a matrix with the weights of places side by side along its diagonal.
    """

    least: int
    rows: NDArray[np.float32]
    shift: tuple[int, ...]

    def pixels(self, start: int, stop: int) -> tuple[int, int]:
        """Return the first pixel, and one past the last, that places `start` to `stop` are made of."""
        return start + self.shift[start], stop - 1 + self.shift[stop - 1] + _PIXELS

    def blocks(self, start: int, stop: int, origin: int, size: int) -> tuple[Block, ...]:
        """Return what places `start` to `stop` are made of, of a picture's `size` pixels from `origin` on."""
        shift = self.shift[start:stop]
        length, count, parts, found = self.rows.shape[1], stop - start, -(-(stop - start) // _TOGETHER), []
        begin, end = start + min(shift) - origin, start + max(shift) + _PIXELS - origin
        for part in range(parts):
            first, last = count * part // parts, count * (part + 1) // parts
            seen = slice(max(begin + first, 0), min(end + last - 1, size))
            # of the first place's row: zeros, and from them on its weights
            column = _TOGETHER + seen.start + origin - start - first - self.least
            place = self.rows.itemsize * ((start + first) * length + column)
            strides = self.rows.itemsize * (length - 1), self.rows.itemsize
            shape = last - first, seen.stop - seen.start
            weights = np.ndarray(shape, np.float32, self.rows, place, strides)
            found.append(Block(slice(first, last), seen, weights))
        return tuple(found)


def resample(
    picture: NDArray[np.float32],
    rows: Sequence[Block],
    columns: Sequence[Block],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the values (h, w) of the cubic spline through a picture (H, W) at the places of h rows and w columns.

    Products of matrices take a third of the time of the filters that they stand for. SciPy's `affine_transform` also
    takes other coefficients beyond the rim than its own filter in this mode, and is wrong by up to 0.3 of the contrast
    there.
    """
    height, width = rows[-1].places.stop, columns[-1].places.stop
    lines = np.empty((height, picture.shape[1]), np.float32)  # (h, W)
    for places, pixels, weights in rows:
        for start in range(0, lines.shape[1], _STRIP):
            strip = slice(start, start + _STRIP)
            np.matmul(weights, picture[pixels, strip], out=lines[places, strip])
    values = np.empty((height, width), np.float32) if out is None else out  # (h, w)
    for places, pixels, weights in columns:
        for start in range(0, height, _STRIP):
            strip = slice(start, start + _STRIP)
            np.matmul(lines[strip, pixels], weights.T, out=values[strip, places])
    return values


def register(high: NDArray[np.uint16], registration: Registration) -> NDArray[np.uint16]:
    """Return the high layer (H, W) in counts on the low layer's pixels, by cubic splines.

    Columns beside the belt stay at full scale; the nearest pixel stands in for what the high layer did not see.
    """
    belt = belt_columns(high)
    # splines ring at the jump to full scale beside the belt, so they are laid through the belt alone
    picture = high[:, belt].astype(np.float32)
    # the fit counts columns from the scan's first, the spline from the belt's
    offset = registration.column_offset + (registration.scale - 1) * belt.start
    registered = np.full_like(high, FULL_SCALE)
    height, width = picture.shape
    columns = taps(offset, registration.scale, width, width).blocks(0, width, 0, width)
    seen = resample(picture, lines_at(registration.row_offset, height, height), columns)  # (H, belt)
    registered[:, belt] = np.rint(seen.clip(0, FULL_SCALE))
    return registered


def taps(start: float, step: float, count: int, size: int) -> Taps:
    """Return what of `size` pixels the spline's values at `count` places are made of, from `start` on with `step`.

    Places outside take the value of the nearest pixel; beyond the rim the picture is mirrored.
    """
    place = np.clip(start + step * np.arange(count), 0, size - 1)  # (count,)
    below = np.floor(place).astype(np.intp)
    t = place - below
    four = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], 1) / 6
    spread = np.zeros((count, _PIXELS))
    for k in range(4):
        spread[:, k : k + len(_COEFFICIENT)] += four[:, k : k + 1] * _COEFFICIENT
    index = (below[:, None] + np.arange(-1 - SPLINES, _PIXELS - 1 - SPLINES)) % (2 * size)  # (count, pixels)
    index = np.where(index < size, index, 2 * size - 1 - index)  # c b a | a b c | c b a
    shift = np.clip(below - 1 - SPLINES, 0, max(size - _PIXELS, 0)) - np.arange(count)
    least, places = int(shift.min()), np.arange(count)[:, None]
    weights = np.zeros((count, int(shift.max()) - least + _PIXELS))
    np.add.at(weights, (places, index - places - least), spread)
    rows = np.pad(weights.astype(np.float32), ((0, 0), (_TOGETHER, _TOGETHER)))
    return Taps(least, rows, tuple(shift.tolist()))


@lru_cache(256)
def lines_at(start: float, count: int, size: int) -> tuple[Block, ...]:
    """Return blocks of lines from `start` on, of `size` lines: many particles ask for the same, so these are kept."""
    return taps(start, 1.0, count, size).blocks(0, count, 0, size)
