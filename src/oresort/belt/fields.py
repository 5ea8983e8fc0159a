"""Smooth random fields over the belt plane, cheap to evaluate on any rectangular grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Field:
    """A stationary random field of variance near 1: spline coefficients (N, N) every `scale` mm about 0."""

    coefficients: NDArray[np.float32]
    scale: float


def draw_field(rng: np.random.Generator, extent: float, scale: float) -> Field:
    """Draw a field that covers [-extent, extent] mm in x and y and varies over about `scale` mm."""
    size = int(np.ceil(2 * extent / scale)) + 5
    # the cubic B-spline keeps (0.479)^2 of white coefficients' variance on average over a cell
    return Field(rng.standard_normal((size, size), dtype=np.float32) / np.float32(0.479), scale)


def evaluate(field: Field, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the field (H, W) on the grid of `x` (W,) and `y` (H,) in mm."""
    size = len(field.coefficients)
    return np.asarray(_basis(y, field.scale, size) @ field.coefficients @ _basis(x, field.scale, size).T)


def _basis(u: NDArray[np.float32], scale: float, size: int) -> NDArray[np.float32]:
    """Cubic B-spline basis (len(u), size) with knots `scale` apart, centred on 0."""
    t = np.abs((u / np.float32(scale))[:, None] - (np.arange(size, dtype=np.float32) - (size - 1) / 2))
    near = 2.0 / 3.0 - t * t * (1.0 - 0.5 * t)
    far = np.maximum(2.0 - t, 0.0) ** 3 / 6.0
    return np.where(t < 1.0, near, far).astype(np.float32)
