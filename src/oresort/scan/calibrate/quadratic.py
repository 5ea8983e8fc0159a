"""What two layers have in common: inside a particle low attenuation is nearly a quadratic in high attenuation."""

import numpy as np
from numpy.typing import NDArray


def about_quadratic(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of low attenuation after the best quadratic in high attenuation, both (N,)."""
    # no constant: without matter neither layer attenuates
    powers = np.stack([high, high**2], axis=1)  # (N, 2)
    square = powers.T @ powers + 1e-9 * np.eye(2)  # where the high layer shows nothing there is no curve
    return np.asarray(low - powers @ np.linalg.solve(square, powers.T @ low))
