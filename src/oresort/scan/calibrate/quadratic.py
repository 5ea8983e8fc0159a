"""What two layers have in common: inside a particle low attenuation is nearly a quadratic in high attenuation."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", np.float32, np.float64)


def about_quadratic(low: NDArray[F], high: NDArray[F]) -> NDArray[F]:
    """Return what is left of low attenuation after the best quadratic in high attenuation, both (N,)."""
    square = high * high
    # no constant: without matter neither layer attenuates; where the high layer shows nothing there is no curve
    mixed = float(high @ square)
    matrix = np.array([[float(high @ high), mixed], [mixed, float(square @ square)]]) + 1e-9 * np.eye(2)
    first, second = np.linalg.solve(matrix, [float(high @ low), float(square @ low)])
    return np.asarray(low - high.dtype.type(first) * high - high.dtype.type(second) * square)
