"""Where the minerals sit: grains, veinlets and bands, painted as paths with an exact mass balance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.fields import Field, draw_field, evaluate
from oresort.belt.rock import PAINTED, Rock
from oresort.belt.solid import Solid, span
from oresort.xray.minerals import MINERALS

_GRAINS = 1500
"""Most grains drawn per mineral; the rest of its volume is finer than a pixel shows and is spread evenly."""

_COARSEST = 3.0  # mm
_CROWDED = 0.9  # of the chord: no more ore minerals than this along one ray

PAINTED_DENSITY = np.array([MINERALS[name].density for name in PAINTED])


@dataclass(frozen=True)
class Veinlet:
    """A plane normal (3,) . (x, y, z) = offset, `width` mm thick, as patchy as `patches` is."""

    normal: NDArray[np.float64]
    offset: float
    width: float
    patches: Field


@dataclass(frozen=True)
class Texture:
    """All that is drawn at random once per particle, so that both layers see the same inside."""

    bands: Field
    veinlets: tuple[Veinlet, ...]
    grains: tuple[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], ...]
    volumes: NDArray[np.float64]


def host_density(rock: Rock) -> NDArray[np.float64]:
    """Return the density (2,) in g/cm3 of the two host bands, pores included."""
    densities = np.array([m.density for m in MINERALS.values()])
    return np.asarray((1.0 - rock.porosity) * (rock.hosts @ densities))


def draw_texture(
    rng: np.random.Generator,
    rock: Rock,
    solid: Solid,
    chord: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
) -> Texture:
    """Draw bands, veinlets and grains inside a solid whose `chord` (H, W) in mm lies on the grid `x`, `y`.

    Grains are (x, y, diameter) in mm per painted mineral; positions follow the chord, that is, are uniform in
    the volume.
    """
    cell = float((x[1] - x[0]) * (y[1] - y[0]))
    total = float(chord.sum()) * cell
    # mass fractions -> volumes: host mass is what the painted minerals leave
    per_volume = rock.painted / PAINTED_DENSITY
    bulk = (1.0 - rock.painted.sum()) / host_density(rock).mean()
    volumes = total * per_volume / (per_volume.sum() + bulk)
    extent = solid.reach
    veinlets = tuple(_draw_veinlet(rng, extent, solid) for _ in range(rock.veinlets))
    loose = 1.0 - (rock.vein_share if veinlets else 0.0)
    cumulative = np.cumsum(chord.ravel(), dtype=np.float64)
    grains = tuple(_draw_grains(rng, volume * loose, rock.grain, cumulative, x, y) for volume in volumes)
    return Texture(draw_field(rng, extent, extent / 4), veinlets, grains, volumes)


def _draw_veinlet(rng: np.random.Generator, extent: float, solid: Solid) -> Veinlet:
    normal = rng.standard_normal(3)
    normal /= np.linalg.norm(normal)
    offset = rng.normal(0, 0.15 * extent)
    width = float(np.clip(0.6 * np.exp(rng.normal(0, 0.7)), 0.2, 3.0))
    return Veinlet(normal, offset, width, draw_field(rng, extent, 3.0))


def _draw_grains(
    rng: np.random.Generator,
    volume: float,
    median: float,
    cumulative: NDArray[np.float64],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Draw grains until `volume` mm3 is used up or there are `_GRAINS` of them."""
    size = np.minimum(median * np.exp(rng.normal(0, 0.6, _GRAINS)), _COARSEST)
    used = np.cumsum(np.pi / 6 * size**3)
    count = int(np.searchsorted(used, volume))
    cells = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    rows, columns = np.divmod(np.minimum(cells, len(cumulative) - 1), len(x))
    jitter = rng.random((2, count)) - 0.5
    gx = x[columns] + jitter[0] * (x[1] - x[0])
    gy = y[rows] + jitter[1] * (y[1] - y[0])
    return gx.astype(np.float32), gy.astype(np.float32), size[:count].astype(np.float32)


def paint(
    texture: Texture, rock: Rock, solid: Solid, x: NDArray[np.float32], y: NDArray[np.float32], slope: float
) -> NDArray[np.float32]:
    """Return the heights (H, W, 2 + P) in mm of the two host bands and each painted mineral along the rays.

    They add up to the chord. Summed over the grid times the cell they are the volumes, from which grade and
    mass follow: the truth is the painted picture itself.
    """
    bottom, top = span(solid, x, y, slope)
    chord = np.maximum(top - bottom, 0.0)
    cell = float((x[1] - x[0]) * (y[1] - y[0]))
    veins = sum(
        (_vein_heights(vein, bottom, top, x, y, slope) for vein in texture.veinlets),
        start=np.zeros_like(chord),
    )
    in_veins = float(veins.sum()) * cell
    out = np.empty((*chord.shape, 2 + len(texture.volumes)), dtype=np.float32)
    even = chord / (float(chord.sum()) * cell)
    for k, (volume, grains) in enumerate(zip(texture.volumes, texture.grains, strict=True)):
        share = rock.vein_share if in_veins > 0 else 0.0
        drawn = _splat(grains, x, y)
        rest = volume * (1.0 - share) - float(drawn.sum()) * cell
        layer = drawn + max(rest, 0.0) * even
        if share:
            layer = layer + veins * np.float32(volume * share / in_veins)
        out[..., 2 + k] = layer
    ore = out[..., 2:].sum(axis=-1)
    out[..., 2:] *= np.minimum(1.0, _CROWDED * chord / np.maximum(ore, 1e-6))[..., None]
    host = chord - out[..., 2:].sum(axis=-1)
    band = np.clip(0.5 + rock.banding * evaluate(texture.bands, x, y), 0.0, 1.0)
    out[..., 0] = host * band
    out[..., 1] = host - out[..., 0]
    return out


def _vein_heights(
    vein: Veinlet,
    bottom: NDArray[np.float32],
    top: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    slope: float,
) -> NDArray[np.float32]:
    """Return the height (H, W) in mm of one veinlet between `bottom` and `top`, thinned by its patches."""
    nx, ny, nz = vein.normal
    climb = nz + slope * nx
    climb = np.copysign(max(abs(climb), 0.02), climb)
    # a sheet thinner than a pixel and edge-on would fall between rays: widen it, keep its volume
    step = float(x[1] - x[0])
    width = max(vein.width, 1.2 * step * float(np.hypot(nx, ny)))
    middle = ((vein.offset - ny * y)[:, None] - (nx * x)[None, :]) / climb
    reach = width / 2 / abs(climb)
    inside = np.minimum(top, middle + reach) - np.maximum(bottom, middle - reach)
    patch = np.maximum(0.3 + evaluate(vein.patches, x, y), 0.0)
    return np.asarray(np.maximum(inside, 0.0) * patch * (vein.width / width), dtype=np.float32)


def _splat(
    grains: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the mean height (H, W) in mm of spherical grains over each cell; the volume is kept exactly."""
    gx, gy, size = grains
    step_x, step_y = float(x[1] - x[0]), float(y[1] - y[0])
    u, v = (gx - x[0]) / step_x, (gy - y[0]) / step_y
    height, width = len(y), len(x)
    total = np.zeros(height * width)
    radius = size / 2 / step_x
    for half, chosen in ((1, radius <= 0.75), (2, (radius > 0.75) & (radius <= 1.75)), (5, radius > 1.75)):
        if not chosen.any():
            continue
        cu, cv = np.floor(u[chosen]).astype(int), np.floor(v[chosen]).astype(int)
        offset = np.arange(-half + 1, half + 1)
        du = (cu[:, None] + offset) - u[chosen][:, None]
        dv = (cv[:, None] + offset) - v[chosen][:, None]
        if half == 1:  # smaller than a pixel: cloud in cell
            kernel = (1 - np.abs(dv))[:, :, None] * (1 - np.abs(du))[:, None, :]
        else:  # the sphere's own chord at the pixel centres
            square = radius[chosen][:, None, None] ** 2 - dv[:, :, None] ** 2 - du[:, None, :] ** 2
            kernel = np.sqrt(np.maximum(square, 0.0))
        volume = np.pi / 6 * size[chosen].astype(np.float64) ** 3
        kernel = kernel * (volume / np.maximum(kernel.sum(axis=(1, 2)), 1e-12))[:, None, None]
        rows = np.clip(cv[:, None] + offset, 0, height - 1)
        columns = np.clip(cu[:, None] + offset, 0, width - 1)
        index = rows[:, :, None] * width + columns[:, None, :]
        total += np.bincount(index.ravel(), weights=kernel.ravel(), minlength=height * width)
    return (total.reshape(height, width) / (step_x * step_y)).astype(np.float32)
