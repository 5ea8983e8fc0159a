"""Whether both layers of a cut particle show the same thing."""

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
    l, h = attenuation_of(low[mask]), attenuation_of(high[mask])  # noqa: E741  # the field's names
    mean_low, mean_high, left_over = float(l.mean()), float(h.mean()), about_quadratic(l, h)
    residual = float(np.sqrt(np.mean(left_over**2)))
    smooth = cv2.GaussianBlur(attenuation_of(high), (5, 5), 1.0, borderType=cv2.BORDER_REPLICATE)
    smooth = np.pad(smooth, 1, mode="edge")  # a slope needs two pixels
    slopes = np.stack([np.gradient(smooth, axis=axis)[1:-1, 1:-1][mask] for axis in (0, 1)], axis=1)  # (N, 2)
    slopes *= max(mean_low / max(mean_high, 1e-6), 1.0)  # as l's, nearly
    limit = _OFF if registered else _OFF_UNREGISTERED
    placed = _placed(slopes, left_over, limit, registered)
    ends = np.searchsorted(np.nonzero(mask)[0], [len(mask) // 3, 2 * len(mask) // 3])  # pixels come line by line
    for part in (slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], len(l))):
        if placed and part.stop - part.start >= _FEWEST:
            placed = _placed(slopes[part], left_over[part], max(limit, _OFF_IN_PART), registered)
    alike = residual <= (1 if registered else 2) * (_APART + _APART * mean_low)
    return Layers(mean_low, mean_high, residual, alike and placed and mean_low > LEAST_RATIO * mean_high)


def _placed(slopes: NDArray[np.float64], left_over: NDArray[np.float64], limit: float, registered: bool) -> bool:
    """Tell whether pixels with slopes (N, 2) along lines and columns are off by at most a limit, and by chance."""
    inverse = np.linalg.inv(slopes.T @ slopes + 1e-6 * np.eye(2))
    lag = np.abs(inverse @ (slopes.T @ left_over))  # (2,)
    error = np.sqrt(np.mean(left_over**2) * np.diag(inverse))
    fits = lag <= limit + _SIGMAS * error
    return bool(fits.all() if registered else fits[0])


def attenuation_of(transmission: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return -ln of transmission, any shape, at most 9.2."""
    return -np.log(np.maximum(transmission, np.float32(_DIMMEST)).astype(np.float64))
