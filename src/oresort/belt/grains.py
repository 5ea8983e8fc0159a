"""Disseminated grains: drawn by volume, painted as loose round clots with their volume kept exactly."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

_MOST = 400
"""Most grains drawn per mineral, the coarsest; the finer ones are spread evenly. Volume goes with the cube of the
diameter and graininess with its sixth power, so they hold nearly all that a pixel can show."""
_COARSEST = 3.0  # mm
_SIGMA = 0.9  # deviation of ln(diameter) by number: sulfides reach from hundredths of a mm to a few mm
_CLOT = 2.0
"""Radius of what is painted over that of a solid grain of its volume: sulfides gather in loose clots. Solid grains show
as sharp dots, of which the rocks of scan 38 have none."""


class Grains(NamedTuple):
    """Centres `x`, `y` and diameters in mm, all (N,) float32, and which mineral each is of, (N,) int."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    diameter: NDArray[np.float32]
    kind: NDArray[np.int64]


def draw_grains(
    rng: np.random.Generator,
    volumes: NDArray[np.float64],
    medians: NDArray[np.float64],
    cumulative: NDArray[np.float64],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
) -> Grains:
    """Draw grains of P minerals: lognormal diameters about `medians` (P,) mm, in all at most `volumes` (P,) mm3.

    `cumulative` (H * W,) is the running sum of the rock's height over the grid `y`, `x`: grains lie there.
    """
    mean = np.pi / 6 * medians**3 * np.exp(4.5 * _SIGMA**2)  # (P,) in mm3: third moment of a lognormal
    # those beyond the coarsest grain are left out, or rocks with a trace of ore would hold nuggets of it
    most = ndtr(np.log(_COARSEST / medians) / _SIGMA)
    # share of the ranks to draw from: the coarsest `_MOST` of as many grains as the volume needs
    drawn = np.minimum(most * _MOST / np.maximum(volumes / mean, _MOST), most)
    rank = most[:, None] - drawn[:, None] * rng.random((len(volumes), _MOST))  # (P, _MOST)
    size = medians[:, None] * np.exp(_SIGMA * ndtri(rank))
    # the sum only grows, so all after the first that overfills go; `paint` spreads what they leave
    keep = np.cumsum(np.pi / 6 * size**3, axis=1) <= volumes[:, None]
    kind, _ = np.nonzero(keep)
    diameter = size[keep]
    # from the right, so that a cell of no height is never hit, not even by a draw of 0
    cells = np.searchsorted(cumulative, rng.random(len(kind)) * cumulative[-1], side="right")
    rows, columns = np.divmod(np.minimum(cells, len(cumulative) - 1), len(x))  # (N,) each
    jitter = rng.random((2, len(kind))) - 0.5
    gx, gy = x[columns] + jitter[0] * (x[1] - x[0]), y[rows] + jitter[1] * (y[1] - y[0])
    return Grains(gx.astype(np.float32), gy.astype(np.float32), diameter.astype(np.float32), kind)


def splat(grains: Grains, kinds: int, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean height (kinds, H, W) in mm of each mineral's grains over each cell of the grid.

    Clots smaller than a cell are shared among its neighbours in proportion to nearness; larger ones have the chord of a
    sphere. Either way the sum times the cell's area is their volume.
    """
    step_x, step_y = float(x[1] - x[0]), float(y[1] - y[0])
    u, v = (grains.x - x[0]) / step_x, (grains.y - y[0]) / step_y  # (N,), in cells
    radius = _CLOT * grains.diameter / 2 / step_x
    volume = np.pi / 6 * grains.diameter.astype(np.float64) ** 3  # (N,) in mm3
    size = len(y) * len(x)
    indices, weights = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    # a few sizes of kernel, so that all clots of a class are one array; reach beyond radius, so none is cut
    classes = ((1, 0.0, 0.75), (2, 0.75, 1.75), (5, 1.75, 4.75), (10, 4.75, np.inf))  # reach, radii in cells
    for half, above, most in classes:
        chosen = (radius > above) & (radius <= most)
        if not chosen.any():
            continue
        u0, v0 = u[chosen], v[chosen]
        around = np.arange(1 - half, half + 1)
        column = np.floor(u0).astype(np.int64)[:, None] + around
        row = np.floor(v0).astype(np.int64)[:, None] + around
        du, dv = column - u0[:, None], row - v0[:, None]
        if half == 1:
            kernel = (1 - np.abs(dv))[:, :, None] * (1 - np.abs(du))[:, None, :]  # (n, 2, 2), sums to 1
            kernel *= volume[chosen][:, None, None]
        else:
            square = radius[chosen][:, None, None] ** 2 - dv[:, :, None] ** 2 - du[:, None, :] ** 2
            kernel = np.sqrt(np.maximum(square, 0.0))  # (n, 2 half, 2 half)
            # never 0: the nearest centre is at most 0.71 cells off, nearer than any such radius
            kernel *= (volume[chosen] / kernel.sum(axis=(1, 2)))[:, None, None]
        # a grain at the window's edge keeps its volume in the last cell
        row, column = np.clip(row, 0, len(y) - 1), np.clip(column, 0, len(x) - 1)
        start = grains.kind[chosen][:, None] * size + row * len(x)
        index = start[:, :, None] + column[:, None, :]  # (n, 2 half, 2 half)
        indices.append(index.ravel())
        weights.append(kernel.ravel() / (step_x * step_y))
    # bincount, since a cell may be hit by many grains at once
    total = np.bincount(np.concatenate(indices), np.concatenate(weights), minlength=kinds * size)
    return total.reshape(kinds, len(y), len(x)).astype(np.float32)
