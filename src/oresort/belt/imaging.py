"""One particle through both detector layers: what is painted, and the share of the beam that passes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oresort.belt.noise import KERNEL, across
from oresort.belt.rock import PAINTED, Rock
from oresort.belt.solid import Solid, span
from oresort.belt.sorter import AXIS, PIXEL, SLOPE_PER_COLUMN, Settings
from oresort.belt.texture import Texture, draw_texture, paint
from oresort.xray.beam import Beam, transmission
from oresort.xray.minerals import MINERALS

MARGIN = 10
"""Pixels of belt around a particle's window, for blur, scatter and misregistration."""

_AFTERGLOW = np.array([[0.0, 0.0, 0.94, 0.05, 0.01], [0.0, 0.0, 0.98, 0.015, 0.005]], dtype=np.float32)
"""Share of a line's signal that reads out in it and in the next two lines, low (GOS) and high (CsI)."""

_APERTURE = np.array([1 / 24, 22 / 24, 1 / 24], dtype=np.float32)
"""Mean over a pixel instead of its centre, to second order."""

_SCATTER_REACH = 6.0  # pixels


@dataclass(frozen=True)
class Particle:
    """A rock of a shape at a place: `centre` is (column, row) of the low layer, in pixels."""

    solid: Solid
    rock: Rock
    centre: tuple[float, float]


@dataclass(frozen=True)
class Shadow:
    """A particle's window: scan (row, column) of its first pixel, transmission (2, H, W), painted (H, W, K) mm."""

    origin: tuple[int, int]
    transmission: NDArray[np.float32]
    painted: NDArray[np.float32]


def cast(rng: np.random.Generator, particle: Particle, settings: Settings, beam: Beam) -> Shadow:
    """Image one particle without noise; its inside is drawn from `rng`."""
    column, row = particle.centre
    slope = (column - AXIS) * SLOPE_PER_COLUMN
    reach = int(np.ceil(particle.solid.reach / PIXEL)) + MARGIN
    columns = np.arange(int(column) - reach, int(column) + reach + 1)
    rows = np.arange(int(row) - reach, int(row) + reach + 1)
    x = ((columns - column) * PIXEL).astype(np.float32)
    y = ((rows - row) * PIXEL).astype(np.float32)
    bottom, top = span(particle.solid, x, y, slope)
    hit = top > bottom
    # shrink the window to the shadow: the high layer's may stick out by its misregistration
    off = (settings.scale - 1.0) * (column - AXIS)
    inside_x, inside_y = np.flatnonzero(hit.any(0)), np.flatnonzero(hit.any(1))
    left = max(inside_x[0] - MARGIN + min(int(np.floor(off)), 0), 0)
    right = min(inside_x[-1] + 1 + MARGIN + max(int(np.ceil(off)), 0), len(x))
    upper, lower = max(inside_y[0] - MARGIN, 0), min(inside_y[-1] + 1 + MARGIN, len(y))
    columns, rows, x, y = columns[left:right], rows[upper:lower], x[left:right], y[upper:lower]
    chord = np.maximum(top - bottom, 0.0)[upper:lower, left:right]
    texture = draw_texture(rng, particle.rock, particle.solid, chord, x, y)
    x_high = (((columns - AXIS) / settings.scale + AXIS - column) * PIXEL).astype(np.float32)
    y_high = ((rows - settings.shift - row) * PIXEL).astype(np.float32)
    coefficients = _materials(particle.rock, beam)
    views = ((x, y), (x_high, y_high))
    painted = [paint(texture, particle.rock, particle.solid, u, v, slope) for u, v in views]
    passed = np.stack([_layer(painted[k], coefficients[k], beam, k, slope, settings.scatter) for k in (0, 1)])
    return Shadow((int(rows[0]), int(columns[0])), passed, painted[0])


def _materials(rock: Rock, beam: Beam) -> NDArray[np.float32]:
    """Attenuation (2, K, G) of the two porous host bands and the painted minerals."""
    order = list(MINERALS)
    hosts = np.einsum("bm,lmg->lbg", (1.0 - rock.porosity) * rock.hosts, beam.coefficients)
    ore = beam.coefficients[:, [order.index(name) for name in PAINTED], :]
    return np.concatenate([hosts, ore], axis=1).astype(np.float32)


def _layer(
    heights: NDArray[np.float32],
    coefficients: NDArray[np.float32],
    beam: Beam,
    layer: int,
    slope: float,
    scatter: float,
) -> NDArray[np.float32]:
    """Return the share (H, W) of air signal in one layer: attenuation, scatter, blur and afterglow."""
    passed = np.ones(heights.shape[:2], dtype=np.float32)
    hit = heights.any(axis=-1)
    paths = heights[hit] * np.float32(np.sqrt(1.0 + slope * slope))
    passed[hit] = transmission(paths, coefficients, beam.weights[layer])
    # single scatter follows the energy removed, and lands several pixels away
    glow = ndimage.gaussian_filter(1.0 - passed, _SCATTER_REACH, mode="constant", truncate=2.5)
    passed = passed + np.float32(scatter) * glow
    passed = across(across(passed, _APERTURE), KERNEL[layer])
    along = np.convolve(_AFTERGLOW[layer], _APERTURE, mode="same")
    return np.asarray(ndimage.convolve1d(passed, along, axis=0, mode="nearest"))
