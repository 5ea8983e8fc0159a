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
    # bicubic B-splines on white coefficients have this deviation on average over a cell
    return Field(rng.standard_normal((size, size), dtype=np.float32) / np.float32(0.479), scale)


def evaluate(field: Field, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the field (H, W) on the grid of `x` (W,) and `y` (H,) in mm."""
    size = len(field.coefficients)
    return np.asarray(_basis(y, field.scale, size) @ field.coefficients @ _basis(x, field.scale, size).T)


def _basis(u: NDArray[np.float32], scale: float, size: int) -> NDArray[np.float32]:
    """Cubic B-spline basis (len(u), size) with knots `scale` apart, centred on 0."""
    knots = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    t = np.abs((u * np.float32(1 / scale))[:, None] - knots)
    wide, narrow = np.maximum(2 - t, 0), np.maximum(1 - t, 0)
    return np.asarray((wide * wide * wide - 4 * narrow * narrow * narrow) * np.float32(1 / 6))
