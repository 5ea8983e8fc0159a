"""One scan: particles placed on the belt and imaged, as separate windows or as the whole picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.feed import Lot, draw_rocks, place
from oresort.belt.imaging import Particle, Shadow, cast
from oresort.belt.noise import Pattern, add_noise, draw_pattern, outside_belt
from oresort.belt.sorter import BELT, COLUMNS, LINES, Settings, draw_settings, scan_beam
from oresort.belt.truth import Truth, weigh


@dataclass(frozen=True)
class Scene:
    """A scan before exposure: how it was taken, its noise pattern, its particles and the seeds of their insides."""

    settings: Settings
    pattern: Pattern
    particles: list[Particle]
    seeds: list[np.random.SeedSequence]


@dataclass(frozen=True)
class Scan:
    """A whole scan pair: `low`, `high` and `labels` uint16 (LINES, COLUMNS); label k + 1 is particle k of `truth`."""

    low: NDArray[np.uint16]
    high: NDArray[np.uint16]
    labels: NDArray[np.uint16]
    truth: list[Truth]
    settings: Settings


def draw_scene(seed: np.random.SeedSequence, count: int, lot: Lot, kvp: float) -> Scene:
    """Draw a scan of `count` particles of a lot, taken near `kvp` kV."""
    rng = np.random.default_rng(seed)
    settings = draw_settings(rng, kvp)
    pattern = draw_pattern(rng)
    particles = place(rng, draw_rocks(rng, count, lot))
    return Scene(settings, pattern, particles, list(seed.spawn(count + 1)))


def expected_counts(transmission: NDArray[np.float32], settings: Settings) -> NDArray[np.float32]:
    """Return mean counts (2, H, W) of a transmission of that shape."""
    return transmission * np.array(settings.air, dtype=np.float32)[:, None, None]


def expose_scene(scene: Scene) -> Scan:
    """Image a scene as one whole scan pair with its label mask and truth."""
    beam = scan_beam(scene.settings)
    passed = np.ones((2, LINES, COLUMNS), dtype=np.float32)
    labels = np.zeros((LINES, COLUMNS), dtype=np.uint16)
    truth = []
    for number, (particle, seed) in enumerate(zip(scene.particles, scene.seeds[1:], strict=True), start=1):
        shadow = cast(np.random.default_rng(seed), particle, scene.settings, beam)
        window, part = clip_window(shadow)
        passed[:, *window] += shadow.transmission[:, *part] - 1.0
        labels[window][shadow.painted[part].any(axis=-1)] = number
        truth.append(weigh(shadow, particle.rock))
    passed = np.maximum(passed, 0.0)
    rng = np.random.default_rng(scene.seeds[0])
    counts = add_noise(
        rng, expected_counts(passed, scene.settings), scene.pattern, (0, 0), scene.settings.exposure
    )
    outside_belt(counts)
    return Scan(counts[0], counts[1], labels, truth, scene.settings)


def clip_window(shadow: Shadow) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return a shadow's window clipped to belt and scan: slices of the scan, and of the shadow's own arrays."""
    row, column = shadow.origin
    height, width = shadow.transmission.shape[1:]
    top, left = max(row, 0), max(column, BELT[0])
    bottom, right = min(row + height, LINES), min(column + width, BELT[1])
    return (slice(top, bottom), slice(left, right)), (
        slice(top - row, bottom - row),
        slice(left - column, right - column),
    )


def simulate_scan(
    seed: int, particles: int = 30, mineralised: float = 0.5, association: float = 0.6, kvp: float = 160.0
) -> Scan:
    """Simulate one whole scan pair in memory, with label mask and truth.

    `mineralised` is the share of particles from the mineralised population, `association` the difficulty
    knob (0-1), `kvp` the tube voltage in kV. InputError if `kvp` is out of range.
    """
    lot = Lot(mineralised, association)
    return expose_scene(draw_scene(np.random.SeedSequence(seed), particles, lot, kvp))
