"""Smooth random fields over the belt plane, cheap to evaluate on any rectangular grid."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Fields(NamedTuple):
    """K stationary random fields of variance near 1: spline coefficients (K, N, N) every `scale` mm about 0."""

    coefficients: NDArray[np.float32]
    scale: float


def draw_fields(rng: np.random.Generator, count: int, extent: float, scale: float) -> Fields:
    """Draw `count` fields that cover [-extent, extent] mm in x and y and vary over about `scale` mm."""
    size = int(np.ceil(2 * extent / scale)) + 5
    # bicubic B-splines on white coefficients have this deviation on average over a cell
    white = rng.standard_normal((count, size, size), dtype=np.float32)
    return Fields(white / np.float32(0.479), scale)


def evaluate(fields: Fields, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the fields (K, H, W) on the grid of `x` (W,) and `y` (H,) in mm."""
    size = fields.coefficients.shape[-1]
    across = fields.coefficients @ _basis(x, fields.scale, size).T
    return np.asarray(_basis(y, fields.scale, size) @ across)


def _basis(u: NDArray[np.float32], scale: float, size: int) -> NDArray[np.float32]:
    """Cubic B-spline basis (len(u), size) with knots `scale` apart, centred on 0."""
    knots = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    t = np.abs((u * np.float32(1 / scale))[:, None] - knots)
    wide, narrow = np.maximum(2 - t, 0), np.maximum(1 - t, 0)
    return np.asarray((wide * wide * wide - 4 * narrow * narrow * narrow) * np.float32(1 / 6))
