"""One particle through both detector layers: what is painted, the share of the beam that passes, and the truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.rock import PAINTED, Rock
from oresort.belt.solid import Solid, span
from oresort.belt.sorter import AXIS, PIXEL, SLOPE_PER_COLUMN, Settings
from oresort.belt.spread import MARGIN, spread
from oresort.belt.texture import PAINTED_DENSITY, draw_texture, paint
from oresort.xray.beam import Beam, transmission
from oresort.xray.minerals import DENSITIES, MINERALS, mass_fraction


@dataclass(frozen=True)
class Piece:
    """A rock of a shape at a place: `centre` is (column, row) of the low layer, in pixels."""

    solid: Solid
    rock: Rock
    centre: tuple[float, float]


@dataclass(frozen=True)
class Shadow:
    """A particle's window in the scan, without noise.

    `origin` is the scan's (row, column) of its first pixel; `transmission` (2, H, W) of both layers; `mask` (H, W)
    where the low layer's rays meet the rock; `volumes` (2 + P,) in mm3 of the two host bands and the painted minerals,
    summed over those rays.
    """

    origin: tuple[int, int]
    transmission: NDArray[np.float32]
    mask: NDArray[np.bool_]
    volumes: NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Grade in wt % Cu, mass in g, lithology, population, and mass fractions of all minerals (0-1, sum 1)."""

    grade: float
    mass: float
    lithology: str
    mineralised: bool
    minerals: dict[str, float]


def weigh(shadow: Shadow, rock: Rock) -> Truth:
    """Return the truth of one particle: volumes that were painted times density, nothing assumed."""
    hosts, painted = shadow.volumes[:2, None] * (1.0 - rock.porosity), shadow.volumes[2:]  # (2, 1), (P,)
    grams = dict(zip(MINERALS, ((hosts * rock.hosts * DENSITIES).sum(axis=0) / 1000.0).tolist(), strict=True))
    for name, value in zip(PAINTED, (painted * PAINTED_DENSITY / 1000.0).tolist(), strict=True):
        grams[name] += value
    mass = sum(grams.values())
    copper = sum(value * mass_fraction(name, "Cu") for name, value in grams.items() if value > 0)
    fractions = {name: value / mass for name, value in grams.items()}
    return Truth(100.0 * copper / mass, mass, rock.lithology, rock.mineralised, fractions)


def cast(rng: np.random.Generator, particle: Piece, settings: Settings, beam: Beam) -> Shadow:
    """Image one particle without noise; its inside is drawn from `rng`."""
    solid, rock = particle.solid, particle.rock
    column, row = particle.centre
    # one tilt for all rays of a particle: a shear, which keeps volumes
    slope = (column - AXIS) * SLOPE_PER_COLUMN
    columns, rows = _window(particle, slope)  # (W,), (H,)
    off = round((settings.scale - 1.0) * (column - AXIS))  # whole columns from the low layer's picture to the high's
    x = ((columns - column) * PIXEL).astype(np.float32)
    y = ((rows - row) * PIXEL).astype(np.float32)
    # the high layer's pixel looks at where the low layer saw the same ray
    x_high = (((columns + off - AXIS) / settings.scale + AXIS - column) * PIXEL).astype(np.float32)
    y_high = ((rows - settings.shift - row) * PIXEL).astype(np.float32)

    extent = span(solid, x, y, slope)  # (H, W) each
    texture = draw_texture(rng, rock, solid.reach, extent, x, y)
    low = paint(texture, rock, extent, x, y, slope)  # (2 + P, H, W)
    high = paint(texture, rock, span(solid, x_high, y_high, slope), x_high, y_high, slope)
    # heights are along z; the ray is longer by its tilt
    coefficients = _materials(rock, beam) * np.float32(np.sqrt(1.0 + slope * slope))  # (2, 2 + P, G)

    # the high layer's picture lies `off` columns to either side in the same window
    above, beside = MARGIN[0], MARGIN[1] + abs(off)
    height, width = len(y) + 2 * above, len(x) + 2 * beside
    passed = np.empty((2, height, width), dtype=np.float32)  # with a margin for what spreads beyond the rock
    mask = np.zeros((height, width), dtype=np.bool_)
    inner = slice(above, -above)
    # ore takes nine tenths of a ray at most, so host tells where the rock is
    mask[inner, beside:-beside] = low[0] + low[1] > 0
    for layer, (heights, left) in enumerate(((low, beside), (high, beside + off))):
        # what is removed, not what passes, is spread: it is 0 beyond the window, so no border must be guessed
        removed = np.zeros((height, width), dtype=np.float32)  # share of the air signal
        # rays that miss cost nothing: an exponential per ray and energy is most of the work
        hit = heights[0] + heights[1] > 0
        own = 1.0 - transmission(heights[:, hit], coefficients[layer], beam.weights[layer])  # (n,)
        removed[inner, left : left + len(x)][hit] = own
        np.subtract(1.0, spread(removed, layer, settings.scatter, settings.blur), out=passed[layer])
    origin = (int(rows[0]) - above, int(columns[0]) - beside)
    return Shadow(origin, passed, mask, low.sum(axis=(1, 2), dtype=np.float64) * PIXEL**2)


def _window(particle: Piece, slope: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the columns and rows that the particle's own shadow falls on, found on a coarse grid."""
    column, row = particle.centre
    reach, step = particle.solid.reach, 4
    coarse = np.arange(-reach, reach + step * PIXEL, step * PIXEL, dtype=np.float32)
    bottom, top = span(particle.solid, coarse, coarse, slope)
    hit = top > bottom
    x, y = coarse[hit.any(axis=0)] / PIXEL, coarse[hit.any(axis=1)] / PIXEL
    # a step more on each side: the rim lies between coarse points
    columns = np.arange(int(column + x[0]) - step, int(column + x[-1]) + step + 1)
    return columns, np.arange(int(row + y[0]) - step, int(row + y[-1]) + step + 1)


def _materials(rock: Rock, beam: Beam) -> NDArray[np.float32]:
    """Attenuation (2, K, G) in 1/mm of the two porous host bands and the painted minerals."""
    order = list(MINERALS)
    hosts = np.einsum("bm,lmg->lbg", (1.0 - rock.porosity) * rock.hosts, beam.coefficients)  # (2, 2, G)
    ore = beam.coefficients[:, [order.index(name) for name in PAINTED], :]  # (2, P, G)
    return np.concatenate([hosts, ore], axis=1).astype(np.float32)
