"""What two layers have in common: inside a particle low attenuation is nearly a quadratic in high attenuation."""

import numpy as np
from numpy.typing import NDArray


def about_quadratic(low: NDArray[np.floating], high: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return what is left of low attenuation after the best quadratic in high attenuation, all (N,)."""
    # in double precision: of a slab, whose attenuation hardly varies, little but rounding parts the two terms
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    square = high * high
    # no constant: without matter neither layer attenuates; where the high layer shows nothing there is no curve
    own, mixed, of_square = float(high @ high) + 1e-9, float(high @ square), float(square @ square) + 1e-9
    with_low, square_with_low = float(high @ low), float(square @ low)
    scale = own * of_square - mixed**2  # two equations, in closed form: this is asked of every particle
    first = (of_square * with_low - mixed * square_with_low) / scale
    second = (own * square_with_low - mixed * with_low) / scale
    return np.asarray(low - first * high - second * square)
