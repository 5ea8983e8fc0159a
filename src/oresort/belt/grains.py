"""Disseminated grains: drawn by volume, painted as spheres with their volume kept exactly."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_MOST = 1200
"""Most grains drawn per mineral; the rest of its volume is finer than a pixel shows and is spread evenly."""

_COARSEST = 3.0  # mm
_SIGMA = 0.6  # of ln(diameter)


class Grains(NamedTuple):
    """Centres `x`, `y` and diameters, all (N,) in mm."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    diameter: NDArray[np.float32]


def draw_grains(
    rng: np.random.Generator,
    volume: float,
    median: float,
    cumulative: NDArray[np.float64],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
) -> Grains:
    """Draw grains of lognormal size about `median` mm until the next would exceed `volume` mm3.

    `cumulative` (H * W,) is the running sum of the rock's height over the grid `y`, `x`: grains lie there.
    """
    size = np.minimum(median * np.exp(_SIGMA * rng.standard_normal(_MOST)), _COARSEST)
    count = int(np.searchsorted(np.cumsum(np.pi / 6 * size**3), volume))
    cells = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    rows, columns = np.divmod(np.minimum(cells, len(cumulative) - 1), len(x))
    jitter = rng.random((2, count)) - 0.5
    gx, gy = x[columns] + jitter[0] * (x[1] - x[0]), y[rows] + jitter[1] * (y[1] - y[0])
    return Grains(gx.astype(np.float32), gy.astype(np.float32), size[:count].astype(np.float32))


def splat(grains: Grains, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean height (H, W) in mm of the grains over each cell of the grid.

    Grains smaller than a cell are shared among its neighbours in proportion to nearness; larger ones have the
    sphere's own chord. Either way the sum times the cell's area is their volume.
    """
    step_x, step_y = float(x[1] - x[0]), float(y[1] - y[0])
    u, v = (grains.x - x[0]) / step_x, (grains.y - y[0]) / step_y
    radius = grains.diameter / 2 / step_x
    volume = np.pi / 6 * grains.diameter.astype(np.float64) ** 3
    total = np.zeros(len(y) * len(x))
    for half, chosen in ((1, radius <= 0.75), (2, (radius > 0.75) & (radius <= 1.75)), (5, radius > 1.75)):
        if not chosen.any():
            continue
        around = np.arange(1 - half, half + 1)
        column = np.floor(u[chosen]).astype(np.int64)[:, None] + around
        row = np.floor(v[chosen]).astype(np.int64)[:, None] + around
        du, dv = column - u[chosen][:, None], row - v[chosen][:, None]
        if half == 1:
            kernel = (1 - np.abs(dv))[:, :, None] * (1 - np.abs(du))[:, None, :]
        else:
            square = radius[chosen][:, None, None] ** 2 - dv[:, :, None] ** 2 - du[:, None, :] ** 2
            kernel = np.sqrt(np.maximum(square, 0.0))
        kernel *= (volume[chosen] / kernel.sum(axis=(1, 2)))[:, None, None]
        # a grain at the window's edge keeps its volume in the last cell
        row, column = np.clip(row, 0, len(y) - 1), np.clip(column, 0, len(x) - 1)
        index = row[:, :, None] * len(x) + column[:, None, :]
        total += np.bincount(index.ravel(), weights=kernel.ravel(), minlength=len(total))
    return (total.reshape(len(y), len(x)) / (step_x * step_y)).astype(np.float32)
