"""Whether both layers of a cut particle show the same thing."""

import math
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.quadratic import about_quadratic
from oresort.scan.calibrate.register import LEAST_RATIO

_DIMMEST = 1e-4  # of air: below is no signal, whose logarithm would outweigh a whole particle
_APART = 0.25  # residual, and share of mean low attenuation, from which the layers show different things
_OFF = 0.5  # lines or columns that registered layers may be off each other: 0.05 is usual, 0.4 the worst of 500 seen
_OFF_IN_PART = 1.0  # that a third of a particle's lines may be: lost or doubled lines shift a part of it alone
_OFF_UNREGISTERED = 2.0  # lines that others may be; columns they are, by up to 14
_SIGMAS = 4.0  # of a lag's own error, which is that of what is left over
_FEWEST = 150  # pixels of a part that tell


class Layers(NamedTuple):
    """Both layers of one particle compared."""

    low: float  # mean attenuation l
    high: float  # mean attenuation h
    residual: float  # rms of l about its best quadratic in h
    agree: bool  # the same thing is seen at the same place, and low energies are attenuated more


def compared(
    low: NDArray[np.float32], high: NDArray[np.float32], mask: NDArray[np.bool_], registered: bool = True
) -> Layers:
    """Compare transmissions (h, w) of a particle, its mask (h, w), in both layers on the same pixels.

    A lag is that of optical flow: what the best quadratic leaves over, fitted by the high layer's slopes. It is right
    for a few pixels; of layers farther apart the residual tells.
    """
    inside = np.flatnonzero(mask)  # (N,), line by line
    thick = attenuation_of(high)  # (h, w)
    l, h = attenuation_of(low.take(inside)), thick.take(inside)  # noqa: E741  # the field's names, (N,) each
    mean_low, mean_high, left_over = float(l.mean()), float(h.mean()), about_quadratic(l, h)
    smooth = cv2.GaussianBlur(thick, (5, 5), 1.0, borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # a slope needs two pixels
    half = max(mean_low / max(mean_high, 1e-6), 1.0) / 2  # as l's slopes, nearly
    values = np.empty((3, len(l)), np.float32)  # slopes down and along, what is left over
    (smooth[2:, 1:-1] - smooth[:-2, 1:-1]).take(inside, out=values[0])
    (smooth[1:-1, 2:] - smooth[1:-1, :-2]).take(inside, out=values[1])
    values[:2] *= np.float32(half)
    values[2] = left_over
    height, width = mask.shape
    firsts = [(k * height - 1) // 3 + 1 for k in (1, 2)] if height > 2 else []  # thirds of the lines
    ends = [0, *np.searchsorted(inside, [line * width for line in firsts]).tolist(), len(l)]
    squares = [_squares(values[:, start:stop]) for start, stop in pairwise(ends)]  # (6,) each
    whole = np.sum(squares, axis=0)
    limit = _OFF if registered else _OFF_UNREGISTERED
    placed = _placed(whole, len(l), limit, registered)
    for (start, stop), square in zip(pairwise(ends), squares, strict=True):
        if placed and stop - start >= _FEWEST:
            placed = _placed(square, stop - start, max(limit, _OFF_IN_PART), registered)
    residual = math.sqrt(whole[5] / len(l))
    alike = residual <= (1 if registered else 2) * (_APART + _APART * mean_low)
    return Layers(mean_low, mean_high, residual, alike and placed and mean_low > LEAST_RATIO * mean_high)


def _placed(square: NDArray[np.float64], count: int, limit: float, registered: bool) -> bool:
    """Tell whether pixels are off by at most a limit, and by chance.

    `square` (6,) holds the sums over `count` pixels of `_squares`.
    """
    down, mixed, down_off, along, along_off, left_over = square.tolist()
    down, along = down + 1e-6, along + 1e-6  # where there is no slope there is no lag
    scale = down * along - mixed**2
    lines, columns = (along * down_off - mixed * along_off) / scale, (down * along_off - mixed * down_off) / scale
    error = left_over / count / scale  # times a diagonal of the inverse: the square of a lag's own error
    if abs(lines) > limit + _SIGMAS * math.sqrt(error * along):
        return False
    return not registered or abs(columns) <= limit + _SIGMAS * math.sqrt(error * down)


def _squares(part: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sums (6,) of products of values (3, N): each with itself and those after it."""
    down, along, off = part  # six short products: a matrix of them takes longer
    sums = down @ down, down @ along, down @ off, along @ along, along @ off, off @ off
    return np.array(sums, np.float64)


def attenuation_of(transmission: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return -ln of transmission, any shape, at most 9.2."""
    values = np.maximum(transmission, np.float32(_DIMMEST))
    np.log(values, out=values)
    return np.negative(values, out=values)
