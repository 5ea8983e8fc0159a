"""Whether both layers of a cut particle show the same thing."""

import math
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
    thick = attenuation_of(high)  # (h, w)
    l, h = attenuation_of(low[mask]), thick[mask]  # noqa: E741  # the field's names, (N,) each
    mean_low, mean_high, left_over = float(l.mean()), float(h.mean()), about_quadratic(l, h)
    smooth = cv2.GaussianBlur(thick, (5, 5), 1.0, borderType=cv2.BORDER_REPLICATE)
    smooth = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # a slope needs two pixels
    down, along = smooth[2:, 1:-1] - smooth[:-2, 1:-1], smooth[1:-1, 2:] - smooth[1:-1, :-2]
    half = max(mean_low / max(mean_high, 1e-6), 1.0) / 2  # as l's slopes, nearly
    values = np.stack([half * down[mask], half * along[mask], left_over])  # (3, N)
    ends = np.searchsorted(np.nonzero(mask)[0], [len(mask) // 3, 2 * len(mask) // 3])  # pixels come line by line
    parts = np.split(values, ends, axis=1)
    squares = [(part @ part.T).astype(np.float64) for part in parts]  # (3, 3) each
    whole = np.sum(squares, axis=0)
    limit = _OFF if registered else _OFF_UNREGISTERED
    placed = _placed(whole, len(l), limit, registered)
    for part, square in zip(parts, squares, strict=True):
        if placed and part.shape[1] >= _FEWEST:
            placed = _placed(square, part.shape[1], max(limit, _OFF_IN_PART), registered)
    residual = math.sqrt(whole[2, 2] / len(l))
    alike = residual <= (1 if registered else 2) * (_APART + _APART * mean_low)
    return Layers(mean_low, mean_high, residual, alike and placed and mean_low > LEAST_RATIO * mean_high)


def _placed(square: NDArray[np.float64], count: int, limit: float, registered: bool) -> bool:
    """Tell whether pixels are off by at most a limit, and by chance.

    `square` (3, 3) holds the sums, over `count` pixels, of products of slopes down, slopes along and what is left over.
    """
    inverse = np.linalg.inv(square[:2, :2] + 1e-6 * np.eye(2))
    lag = np.abs(inverse @ square[:2, 2])  # (2,), lines and columns
    error = np.sqrt(square[2, 2] / count * np.diag(inverse))
    fits = lag <= limit + _SIGMAS * error
    return bool(fits.all() if registered else fits[0])


def attenuation_of(transmission: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return -ln of transmission, any shape, at most 9.2."""
    return -np.log(np.maximum(transmission, np.float32(_DIMMEST)))
