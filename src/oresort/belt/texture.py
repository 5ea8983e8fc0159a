"""Where the minerals sit: grains, veinlets and bands, painted as heights with an exact mass balance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.fields import Fields, draw_fields, evaluate
from oresort.belt.grains import Grains, draw_grains, splat
from oresort.belt.rock import PAINTED, Rock
from oresort.xray.minerals import DENSITIES, MINERALS

PAINTED_DENSITY = np.array([MINERALS[name].density for name in PAINTED])  # (P,) in g/cm3
Extent = tuple[NDArray[np.float32], NDArray[np.float32]]  # bottom and top (H, W) in mm: where rays enter and leave

_CROWDED = 0.9  # largest share of a ray's height inside the rock that painted minerals take
_FINENESS = np.array([1.0, 0.7, 0.7, 0.7, 0.7])  # median grain of each painted mineral over pyrite's, often coarsest
_PATCH = 3.0  # mm: a veinlet's filling varies over this
_FILLED = 0.15
"""Largest share of a veinlet that is ore minerals; the rest is quartz and host. Chosen: richer ones show as sharp bars,
of which the rocks of scan 38 have none."""


@dataclass(frozen=True)
class Veinlet:
    """A sheet normal (3,) . (x, y, z) = offset, `width` mm thick."""

    normal: NDArray[np.float64]
    offset: float
    width: float


@dataclass(frozen=True)
class Texture:
    """All that is drawn at random once per particle, so that both layers see the same inside.

    `volumes` (P,) in mm3 are aimed at per painted mineral; `grains` are those of it that lie loose. Each veinlet is
    filled as unevenly as its field of `patches` says.
    """

    bands: Fields
    veinlets: tuple[Veinlet, ...]
    patches: Fields
    grains: Grains
    volumes: NDArray[np.float64]


def host_density(rock: Rock) -> NDArray[np.float64]:
    """Return the density (2,) in g/cm3 of the two host bands, pores included."""
    return np.asarray((1.0 - rock.porosity) * (rock.hosts @ DENSITIES))


def _chord(extent: Extent) -> NDArray[np.float32]:
    bottom, top = extent
    return np.asarray(np.maximum(top - bottom, 0.0))


def _cell(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
    return float((x[1] - x[0]) * (y[1] - y[0]))


def draw_texture(
    rng: np.random.Generator,
    rock: Rock,
    reach: float,
    extent: Extent,
    x: NDArray[np.float32],
    y: NDArray[np.float32],
) -> Texture:
    """Draw the inside of a rock that fills `extent` (H, W) on the grid `x` (W,), `y` (H,) in mm.

    `reach` in mm bounds the rock about its centre. Grain positions follow the rock's height: uniform in its volume.
    """
    chord = _chord(extent)
    total = float(chord.sum()) * _cell(x, y)
    # cm3 that each mineral takes of a gram of rock: composition is drawn by mass, painted by volume
    per_gram = rock.painted / PAINTED_DENSITY
    host = (1.0 - rock.painted.sum()) / host_density(rock).mean()
    volumes = total * per_gram / (per_gram.sum() + host)  # (P,)
    veinlets = tuple(_draw_veinlet(rng, reach) for _ in range(rock.veinlets))
    loose = 1.0 - (rock.vein_share if veinlets else 0.0)
    cumulative = np.cumsum(chord, dtype=np.float64)
    grains = draw_grains(rng, volumes * loose, rock.grain * _FINENESS, cumulative, x, y)
    bands, patches = draw_fields(rng, 1, reach, reach / 4), draw_fields(rng, rock.veinlets, reach, _PATCH)
    return Texture(bands, veinlets, patches, grains, volumes)


def _draw_veinlet(rng: np.random.Generator, reach: float) -> Veinlet:
    normal = rng.standard_normal(3)
    normal /= np.linalg.norm(normal)
    width = float(np.clip(1.3 * np.exp(rng.normal(0, 0.5)), 0.2, 4.0))  # mm
    return Veinlet(normal, rng.normal(0, 0.12 * reach), width)


def paint(
    texture: Texture, rock: Rock, extent: Extent, x: NDArray[np.float32], y: NDArray[np.float32], slope: float
) -> NDArray[np.float32]:
    """Return the heights (2 + P, H, W) in mm of the two host bands and each painted mineral along the rays.

    They add up to the rock's. Summed over the grid times the cell they are the volumes, from which grade and mass
    follow: the truth is the painted picture itself.
    """
    chord, cell = _chord(extent), _cell(x, y)
    veins = np.zeros_like(chord)
    if texture.veinlets:
        # 0.3 deviations above the mean: nearly four tenths of a veinlet stay empty
        patches = np.maximum(0.3 + evaluate(texture.patches, x, y), 0.0)
        for vein, patch in zip(texture.veinlets, patches, strict=True):
            veins += patch * _vein_heights(vein, extent, x, y, slope)
    in_veins = float(veins.sum()) * cell
    # veins that hardly meet the rock take only what may fill them; the rest is spread evenly
    share = min(rock.vein_share, _FILLED * in_veins / float(texture.volumes.sum()))
    even = chord / np.float32(chord.sum() * cell)  # (H, W), a volume of 1
    drawn = splat(texture.grains, len(texture.volumes), x, y)  # (P, H, W)
    for k, volume in enumerate(texture.volumes):
        # what is left is too fine to draw, or its vein missed the rock
        rest = volume * (1.0 - share) - float(drawn[k].sum()) * cell
        drawn[k] += np.float32(max(rest, 0.0)) * even
        if share:
            drawn[k] += veins * np.float32(volume * share / in_veins)
    # clots may pile up beyond the rock's height; what is cut off is lost to picture and grade alike
    ore = drawn.sum(axis=0)
    crowded = np.minimum(1.0, _CROWDED * chord / np.maximum(ore, 1e-6))
    host = chord - ore * crowded
    band = 0.5 + np.float32(rock.banding) * evaluate(texture.bands, x, y)[0]
    first = host * np.clip(band, 0.0, 1.0)
    return np.concatenate([[first, host - first], drawn * crowded])


def _vein_heights(
    vein: Veinlet, extent: Extent, x: NDArray[np.float32], y: NDArray[np.float32], slope: float
) -> NDArray[np.float32]:
    """Return the height (H, W) in mm of one veinlet inside the rock."""
    bottom, top = extent
    nx, ny, nz = vein.normal
    # at height z a ray is at x + slope z: put into the sheet's equation, z has this factor
    climb = nz + slope * nx
    climb = float(np.copysign(max(abs(climb), 0.02), climb))  # a ray along the sheet would never cross it
    # a sheet thinner than a pixel and edge-on would fall between rays: widen it, keep its volume
    width = max(vein.width, 1.2 * float(x[1] - x[0]) * float(np.hypot(nx, ny)))
    middle = ((vein.offset - ny * y) / climb).astype(np.float32)[:, None] - (nx / climb * x).astype(np.float32)
    half = np.float32(width / 2 / abs(climb))  # along z, not along the normal
    inside = np.minimum(top, middle + half) - np.maximum(bottom, middle - half)  # (H, W)
    return np.asarray(np.maximum(inside, 0.0) * np.float32(vein.width / width))
