"""What two layers have in common: inside a particle low attenuation is nearly a quadratic in high attenuation."""

import numpy as np
from numpy.typing import NDArray


def about_quadratic(low: NDArray[np.floating], high: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return what is left of low attenuation after the best quadratic in high attenuation, all (N,)."""
    # in double precision: of a slab, whose attenuation hardly varies, little but rounding parts the two terms
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    square = high * high
    sums = high @ high, high @ square, square @ square, high @ low, square @ low
    first, second = quadratic(*map(float, sums))
    return np.asarray(low - first * high - second * square)


def quadratic(
    own: float, mixed: float, of_square: float, with_low: float, square_with_low: float
) -> tuple[float, float]:
    """Return what high attenuation and its square are to be multiplied by to give low attenuation as well as they can.

    Given are sums over pixels: of high attenuation squared, times its square, of its square squared, and of low
    attenuation times high attenuation and times its square.
    """
    # no constant: without matter neither layer attenuates; where the high layer shows nothing there is no curve
    own, of_square = own + 1e-9, of_square + 1e-9
    scale = own * of_square - mixed**2  # two equations, in closed form: this is asked of every particle
    first = (of_square * with_low - mixed * square_with_low) / scale
    return first, (own * square_with_low - mixed * with_low) / scale
