"""Whether both layers of a cut particle show the same thing."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.quadratic import about_quadratic
from oresort.scan.calibrate.register import LEAST_RATIO

_DIMMEST = 1e-4  # of air: below is no signal, whose logarithm would outweigh a whole particle
_APART = 0.25  # residual, and share of mean low attenuation, from which the layers show different things
_SMOOTHING = 1.0  # Gaussian, pixels: what is left of noise is 0.02 to 0.04, of a shift by two lines 0.1
_LAGS = (-6, -4, -3, -2, 2, 3, 4, 6)  # lines by which one layer may lag; one line is within what registration is off
_NOISY = 0.1  # residual, not smoothed, below which no lag is asked for: noise alone leaves 0.07, two lines more 0.12
_STRAYS, _BETTER = 0.07, 0.7  # residual, smoothed, of a part that may lag, and share of it that is left at its lag
_FEWEST = 150  # pixels that tell


class Layers(NamedTuple):
    """Both layers of one particle compared."""

    low: float  # mean attenuation l
    high: float  # mean attenuation h
    residual: float  # rms of l about its best quadratic in h
    agree: bool  # the same thing is seen, at the same lines, and low energies are attenuated more


def compared(low: NDArray[np.float32], high: NDArray[np.float32], mask: NDArray[np.bool_]) -> Layers:
    """Compare transmissions (h, w) of the same pixels in both layers, where `mask` is."""
    l, h = attenuation_of(low), attenuation_of(high)  # noqa: E741  # the field's names
    mean_low, mean_high, residual = float(l[mask].mean()), float(h[mask].mean()), _residual(l[mask], h[mask])
    agree = residual <= _APART + _APART * mean_low and mean_low > LEAST_RATIO * mean_high
    return Layers(mean_low, mean_high, residual, agree and not (residual > _NOISY and _lags(l, h, mask)))


def attenuation_of(transmission: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return -ln of transmission, at most 9.2."""
    return -np.log(np.maximum(transmission, np.float32(_DIMMEST)).astype(np.float64))


def _lags(low: NDArray[np.float64], high: NDArray[np.float64], mask: NDArray[np.bool_]) -> bool:
    """Tell whether a particle, or a third of its lines, fits its own high layer better some lines off."""
    weight = cv2.GaussianBlur(mask.astype(np.float64), (0, 0), _SMOOTHING)
    low, high = (  # within the mask: outside lie neighbours
        cv2.GaussianBlur(np.where(mask, values, 0), (0, 0), _SMOOTHING) / np.maximum(weight, 1e-3)
        for values in (low, high)
    )
    height = len(mask)
    thirds = [slice(k * height // 3, (k + 1) * height // 3) for k in range(3)]
    # lines that were lost or doubled within it shift a part of it alone
    for rows in (slice(0, height), *thirds):
        inside = mask[rows]
        if np.count_nonzero(inside) < _FEWEST or _residual(low[rows][inside], high[rows][inside]) < _STRAYS:
            continue
        for lag in _LAGS:
            start, stop = max(rows.start, -lag, 0), min(rows.stop, height - lag, height)
            seen = mask[start:stop] & mask[start + lag : stop + lag] if stop > start else mask[:0]
            if np.count_nonzero(seen) < _FEWEST:
                continue
            shifted = _residual(low[start:stop][seen], high[start + lag : stop + lag][seen])
            # of the same pixels, for rims, where noise and thickness change most, may have dropped out
            if shifted < _BETTER * _residual(low[start:stop][seen], high[start:stop][seen]):
                return True
    return False


def _residual(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(about_quadratic(low, high) ** 2)))
