"""Sample a picture between its pixels, along rows and columns that stay rows and columns."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.air import belt_columns
from oresort.scan.calibrate.register import Registration
from oresort.xray.transmission import FULL_SCALE

_POLE = np.sqrt(3.0) - 2  # of the recursive filter from pixels to coefficients of a cubic spline
REACH = 12
"""Pixels on each side that a spline's coefficient is taken of: a pixel's weight falls to 0.27 with each of distance."""
_FALL = _POLE ** np.abs(np.arange(-REACH, REACH + 1))
_WEIGHTS = (_FALL / _FALL.sum()).astype(np.float32)  # (25,)


class Taps(NamedTuple):
    """Four coefficients of a spline at each of n places, (4, n), and their weights (4, n) float32."""

    places: NDArray[np.intp]
    weights: NDArray[np.float32]


def spline_of(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the coefficients (H, W) of the cubic spline through a picture's pixels, to 1e-7 of its contrast.

    Beyond the rim the picture is mirrored. What is farther than `REACH` pixels away has no weight, so this is a plain
    convolution, in a third of the time of a recursive filter.
    """
    for kernel in (_WEIGHTS[None], _WEIGHTS[:, None]):  # OpenCV's own filter of both axes takes half as long again
        picture = np.asarray(cv2.filter2D(picture, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT), np.float32)
    return picture


def resample(spline: NDArray[np.float32], rows: Taps, columns: Taps) -> NDArray[np.float32]:
    """Return the values (h, w) of `spline_of` (H, W) at the places of h rows and w columns.

    Rows and columns are weighted one after the other, four coefficients each, a third of the time of SciPy's
    `affine_transform`, which also takes other coefficients beyond the rim than its own filter in this mode, and is
    wrong by up to 0.3 of the contrast there.
    """
    return _of_columns(_of_lines(spline, rows), columns)


def _of_lines(spline: NDArray[np.float32], rows: Taps) -> NDArray[np.float32]:
    """Return the values (h, W) between lines of coefficients (H, W)."""
    count = rows.places.shape[1]
    firsts = rows.places[:, 0].tolist()
    # nearly always lines one after the other, which need not be copied
    if (rows.places - np.arange(count) == rows.places[:, :1]).all():
        parts = [spline[first : first + count] for first in firsts]
    else:
        parts = [spline.take(place, 0) for place in rows.places]
    total: NDArray[np.float32] = parts[0] * rows.weights[0][:, None]
    for part, weight in zip(parts[1:], rows.weights[1:], strict=True):
        total += part * weight[:, None]
    return total


def _of_columns(spline: NDArray[np.float32], columns: Taps) -> NDArray[np.float32]:
    """Return the values (h, w) between columns of coefficients (h, W)."""
    total: NDArray[np.float32] = spline.take(columns.places[0], 1)
    total *= columns.weights[0]
    for place, weight in zip(columns.places[1:], columns.weights[1:], strict=True):
        part = spline.take(place, 1)
        part *= weight
        total += part
    return total


def register(high: NDArray[np.uint16], registration: Registration) -> NDArray[np.uint16]:
    """Return the high layer (H, W) in counts on the low layer's pixels, by cubic splines.

    Columns beside the belt stay at full scale; the nearest pixel stands in for what the high layer did not see.
    """
    belt = belt_columns(high)
    # splines ring at the jump to full scale beside the belt, so they are laid through the belt alone
    spline = spline_of(high[:, belt].astype(np.float32))
    # the fit counts columns from the scan's first, the spline from the belt's
    offset = registration.column_offset + (registration.scale - 1) * belt.start
    registered = np.full_like(high, FULL_SCALE)
    height, width = spline.shape
    rows, columns = taps(registration.row_offset, 1.0, height, height), taps(offset, registration.scale, width, width)
    seen = resample(spline, rows, columns)  # (H, belt)
    registered[:, belt] = np.rint(seen.clip(0, FULL_SCALE))
    return registered


@lru_cache(256)
def taps(start: float, step: float, count: int, size: int) -> Taps:
    """Return what to take of `size` coefficients at `count` places, from `start` on with `step`.

    Places outside take the value of the nearest pixel. Many particles ask for the same rows: the answer is kept, and
    cannot be written to.
    """
    place = np.clip(start + step * np.arange(count), 0, size - 1)  # (count,)
    first = np.floor(place).astype(np.intp)
    t = place - first
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    index = first + np.arange(-1, 3)[:, None]  # (4, count)
    index = np.where(index < 0, -index - 1, index)  # as `spline_of` goes on beyond the rim: c b a | a b c
    found = Taps(np.where(index >= size, 2 * size - 1 - index, index), weights.astype(np.float32))
    for values in found:
        values.flags.writeable = False
    return found
