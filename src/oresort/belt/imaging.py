"""One particle through both detector layers: what is painted, and the share of the beam that passes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.rock import PAINTED, Rock
from oresort.belt.solid import Solid, span
from oresort.belt.sorter import AXIS, PIXEL, SLOPE_PER_COLUMN, Settings
from oresort.belt.spread import MARGIN, spread
from oresort.belt.texture import draw_texture, paint
from oresort.xray.beam import Beam, transmission
from oresort.xray.minerals import MINERALS


@dataclass(frozen=True)
class Particle:
    """A rock of a shape at a place: `centre` is (column, row) of the low layer, in pixels."""

    solid: Solid
    rock: Rock
    centre: tuple[float, float]


@dataclass(frozen=True)
class Shadow:
    """A particle's window: scan (row, column) of its first pixel, transmission (2, H, W), painted (K, H, W) mm."""

    origin: tuple[int, int]
    transmission: NDArray[np.float32]
    painted: NDArray[np.float32]


def cast(rng: np.random.Generator, particle: Particle, settings: Settings, beam: Beam) -> Shadow:
    """Image one particle without noise; its inside is drawn from `rng`."""
    solid, rock = particle.solid, particle.rock
    column, row = particle.centre
    slope = (column - AXIS) * SLOPE_PER_COLUMN
    columns, rows = _window(particle, slope, (settings.scale - 1.0) * (column - AXIS))
    x = ((columns - column) * PIXEL).astype(np.float32)
    y = ((rows - row) * PIXEL).astype(np.float32)
    # the high layer's pixel looks at where the low layer saw the same ray
    x_high = (((columns - AXIS) / settings.scale + AXIS - column) * PIXEL).astype(np.float32)
    y_high = ((rows - settings.shift - row) * PIXEL).astype(np.float32)

    extent = span(solid, x, y, slope)
    texture = draw_texture(rng, rock, solid.reach, extent, x, y)
    low = paint(texture, rock, extent, x, y, slope)
    high = paint(texture, rock, span(solid, x_high, y_high, slope), x_high, y_high, slope)
    coefficients = _materials(rock, beam) * np.float32(np.sqrt(1.0 + slope * slope))
    passed = [
        _layer(heights, coefficients[layer], beam.weights[layer], layer, settings.scatter)
        for layer, heights in enumerate((low, high))
    ]
    return Shadow((int(rows[0]), int(columns[0])), np.stack(passed), low)


def _window(particle: Particle, slope: float, off: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns and rows of the particle's window; `off` columns is where the high layer sees it."""
    column, row = particle.centre
    reach, step = particle.solid.reach, 4
    coarse = np.arange(-reach, reach + step * PIXEL, step * PIXEL, dtype=np.float32)
    bottom, top = span(particle.solid, coarse, coarse, slope)
    hit = top > bottom
    x, y = coarse[hit.any(axis=0)], coarse[hit.any(axis=1)]
    lines, beside = MARGIN[0] + step, MARGIN[1] + step
    left = int(column + x[0] / PIXEL + min(off, 0.0)) - beside
    right = int(column + x[-1] / PIXEL + max(off, 0.0)) + beside + 1
    upper, lower = int(row + y[0] / PIXEL) - lines, int(row + y[-1] / PIXEL) + lines + 1
    return np.arange(left, right), np.arange(upper, lower)


def _materials(rock: Rock, beam: Beam) -> NDArray[np.float32]:
    """Attenuation (2, K, G) in 1/mm of the two porous host bands and the painted minerals."""
    order = list(MINERALS)
    hosts = np.einsum("bm,lmg->lbg", (1.0 - rock.porosity) * rock.hosts, beam.coefficients)
    ore = beam.coefficients[:, [order.index(name) for name in PAINTED], :]
    return np.concatenate([hosts, ore], axis=1).astype(np.float32)


def _layer(
    heights: NDArray[np.float32],
    coefficients: NDArray[np.float32],
    weights: NDArray[np.float32],
    layer: int,
    scatter: float,
) -> NDArray[np.float32]:
    """Return the share (H, W) of air signal in one layer: attenuation, scatter, blur and afterglow."""
    passed = np.ones(heights.shape[1:], dtype=np.float32)
    hit = heights[0] + heights[1] > 0
    passed[hit] = transmission(heights[:, hit], coefficients, weights)
    return np.asarray(1.0 - spread(1.0 - passed, layer, scatter))
