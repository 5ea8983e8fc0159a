"""One scan: particles placed on the belt and imaged as one picture with its ground truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.conditions import Conditions
from oresort.belt.feed import draw_particles
from oresort.belt.imaging import Piece, Shadow, Truth, cast, weigh
from oresort.belt.noise import Pattern, add_noise, draw_pattern
from oresort.belt.rock import Lot, draw_lot
from oresort.belt.sorter import BELT, COLUMNS, LINES, Settings, draw_settings
from oresort.xray.beam import make_beam
from oresort.xray.transmission import FULL_SCALE

Window = tuple[slice, slice]  # rows, columns


@dataclass(frozen=True)
class Scene:
    """A scan before exposure: its settings, noise pattern and particles; seeds of exposure and of each inside."""

    settings: Settings
    pattern: Pattern
    particles: list[Piece]
    exposure_seed: np.random.SeedSequence
    seeds: list[np.random.SeedSequence]


@dataclass(frozen=True)
class Scan:
    """A whole scan pair: `low`, `high`, `labels` uint16 (LINES, COLUMNS); label k + 1 is particle k of `truth`."""

    low: NDArray[np.uint16]
    high: NDArray[np.uint16]
    labels: NDArray[np.uint16]
    truth: list[Truth]
    settings: Settings


def draw_scene(seed: np.random.SeedSequence, count: int, lot: Lot, conditions: Conditions, drift: float = 1.0) -> Scene:
    """Draw a scan of `count` particles of a lot, about the conditions given; InputError for a `drift` outside 0-1."""
    # a stream for each inside: a particle is the same whether its scan or its crop is imaged
    own, exposure, *insides = seed.spawn(2 + count)
    rng = np.random.default_rng(own)
    settings = draw_settings(rng, conditions, drift)
    pattern = draw_pattern(rng)
    return Scene(settings, pattern, draw_particles(rng, count, lot, conditions.size), exposure, insides)


def clip_window(shadow: Shadow) -> tuple[Window, Window]:
    """Return a shadow's window within belt and scan: as part of the scan, and of the shadow's arrays."""
    row, column = shadow.origin
    height, width = shadow.transmission.shape[1:]
    rows = slice(max(row, 0), min(row + height, LINES))
    columns = slice(max(column, BELT[0]), min(column + width, BELT[1]))
    own_rows = slice(rows.start - row, rows.stop - row)
    return (rows, columns), (own_rows, slice(columns.start - column, columns.stop - column))


def expose(
    rng: np.random.Generator, transmission: NDArray[np.float32], scene: Scene, origin: tuple[int, int]
) -> NDArray[np.uint16]:
    """Return the counts (2, H, W) of a transmission (2, H, W) from the scan's (row, column) `origin` on."""
    expected = transmission * np.array(scene.settings.air, dtype=np.float32)[:, None, None]  # (2, H, W)
    return add_noise(rng, expected, scene.pattern, origin, scene.settings.exposure, scene.settings.noise)


def expose_scene(scene: Scene) -> Scan:
    """Image a scene as one whole scan pair with its label mask and truth."""
    beam = make_beam(scene.settings.kvp, scene.settings.stack)
    passed = np.ones((2, LINES, COLUMNS), dtype=np.float32)  # (2, H, W)
    labels = np.zeros((LINES, COLUMNS), dtype=np.uint16)
    truth = []
    for number, (particle, seed) in enumerate(zip(scene.particles, scene.seeds, strict=True), start=1):
        shadow = cast(np.random.default_rng(seed), particle, scene.settings, beam)
        window, part = clip_window(shadow)
        # light and scatter are linear in what is removed, so where they overlap the neighbours' shares add
        passed[:, *window] += shadow.transmission[:, *part] - 1.0
        labels[window][shadow.mask[part]] = number
        truth.append(weigh(shadow, particle.rock))
    rng = np.random.default_rng(scene.exposure_seed)
    # on a crowded belt solids may overlap: more than all of the beam cannot be removed
    counts = expose(rng, np.maximum(passed, 0.0, out=passed), scene, (0, 0))
    counts[..., : BELT[0]] = counts[..., BELT[1] :] = FULL_SCALE  # as the sorter writes what lies beside its belt
    return Scan(counts[0], counts[1], labels, truth, scene.settings)


def simulate_scan(
    seed: int,
    particles: int = 30,
    mineralised: float = 0.5,
    conditions: Conditions | None = None,
    drift: float = 1.0,
) -> Scan:
    """Simulate one whole scan pair in memory, with label mask and truth.

    `mineralised` is the share of particles of the mineralised population, `conditions` what the sorter and its feed are
    like (default: as on scan 38), `drift` (0-1) the scale of the scan's deviations from them. InputError if `drift` is
    out of range.
    """
    conditions = conditions or Conditions()
    lot_seed, scene_seed = np.random.SeedSequence(seed).spawn(2)
    lot = draw_lot(np.random.default_rng(lot_seed), mineralised, True, conditions.association, conditions.lithologies)
    return expose_scene(draw_scene(scene_seed, particles, lot, conditions, drift))
