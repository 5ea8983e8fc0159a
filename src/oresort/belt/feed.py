"""What lies on the belt in one scan: sizes, shapes, rocks and places, before any X-ray."""

from dataclasses import dataclass

import numpy as np

from oresort.belt.imaging import MARGIN, Particle
from oresort.belt.rock import Rock, draw_rock
from oresort.belt.solid import draw_solid
from oresort.belt.sorter import BELT, LINES, PIXEL

_TRIALS = 400
_SIZES = (15.0, 34.0)  # mm, the screens
_SHARPNESS = 3.5  # Rosin-Rammler
_MEDIAN = 24.0  # mm


@dataclass(frozen=True)
class Lot:
    """Where a scan's rocks come from: the share of mineralised ones and the strength of association."""

    mineralised: float
    association: float


def draw_size(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw width in mm, length / width and thickness / width of a screened, crushed particle."""
    width = 0.0
    while not _SIZES[0] <= width <= _SIZES[1]:
        width = _MEDIAN * float(rng.weibull(_SHARPNESS)) / np.log(2) ** (1 / _SHARPNESS)
    return width, float(np.clip(rng.lognormal(0.34, 0.22), 1.0, 2.4)), float(rng.uniform(0.5, 0.9))


def draw_rocks(rng: np.random.Generator, count: int, lot: Lot) -> list[Rock]:
    """Draw `count` rocks of a lot."""
    return [draw_rock(rng, bool(rng.random() < lot.mineralised), lot.association) for _ in range(count)]


def place(rng: np.random.Generator, rocks: list[Rock]) -> list[Particle]:
    """Give each rock a shape and a place of its own, wholly inside belt and scan.

    Bounding circles do not overlap unless the belt is too full to find room; then the rock goes where it
    fits best.
    """
    particles: list[Particle] = []
    taken: list[tuple[float, float, float]] = []
    for rock in rocks:
        width, aspect, flatness = draw_size(rng)
        solid = draw_solid(rng, width, aspect, flatness)
        radius = 0.75 * width * np.hypot(aspect, 1.0) / PIXEL + MARGIN
        columns = rng.uniform(BELT[0] + radius, BELT[1] - radius, _TRIALS)
        rows = rng.uniform(radius, max(LINES - radius, radius + 1), _TRIALS)
        if taken:
            there = np.array(taken)
            gap = np.hypot(columns[:, None] - there[:, 0], rows[:, None] - there[:, 1]) - there[:, 2] - radius
            nearest = gap.min(axis=1)
            best = int(np.argmax(nearest > 0)) if (nearest > 0).any() else int(nearest.argmax())
        else:
            best = 0
        taken.append((float(columns[best]), float(rows[best]), float(radius)))
        particles.append(Particle(solid, rock, taken[-1][:2]))
    return particles
