"""Whether both layers of a cut particle show the same thing."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.quadratic import about_quadratic
from oresort.scan.calibrate.register import LEAST_RATIO

_DIMMEST = 1e-4  # of air: below is no signal, whose logarithm would outweigh a whole particle
_APART = 0.25  # residual, and share of mean low attenuation, from which the layers show different things


class Layers(NamedTuple):
    """Both layers of one particle compared."""

    low: float  # mean attenuation l
    high: float  # mean attenuation h
    residual: float  # rms of l about its best quadratic in h

    @property
    def agree(self) -> bool:
        """The same thing is seen, and low energies are attenuated more, as by whatever matter."""
        return self.residual <= _APART + _APART * self.low and self.low > LEAST_RATIO * self.high


def compared(low: NDArray[np.float32], high: NDArray[np.float32]) -> Layers:
    """Compare transmissions of the same pixels (N,) in both layers."""
    l, h = attenuation_of(low), attenuation_of(high)  # noqa: E741  # the field's names
    return Layers(float(l.mean()), float(h.mean()), float(np.sqrt(np.mean(about_quadratic(l, h) ** 2))))


def attenuation_of(transmission: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return -ln of transmission (N,), at most 9.2."""
    return -np.log(np.maximum(transmission, np.float32(_DIMMEST)).astype(np.float64))
