"""What lies on the belt in one scan: sizes, shapes and places, before any X-ray."""

import numpy as np

from oresort.belt.imaging import Piece
from oresort.belt.rock import Lot, draw_rock
from oresort.belt.solid import draw_solid
from oresort.belt.sorter import BELT, LINES, PIXEL

_TRIALS = 100
_SCREENS = (12.0, 25.0)  # mm
_SHARPNESS = 4.5  # Rosin-Rammler
_MEDIAN = 18.0  # mm
_LONGEST = 36.0  # mm
_GAP = 8.0  # pixels between bounding circles
_CUT = 0.6  # radii from a centre to the scan's first or last line, at least: some particles are cut off there


def draw_size(rng: np.random.Generator, size: float = 1.0) -> tuple[float, float, float]:
    """Draw width in mm, length / width and thickness / width of a crushed particle of screens `size` times as wide."""
    width = 0.0
    while not _SCREENS[0] <= width <= _SCREENS[1]:
        width = _MEDIAN * float(rng.weibull(_SHARPNESS)) / np.log(2) ** (1 / _SHARPNESS)
    aspect = min(max(float(rng.lognormal(0.36, 0.24)), 1.0), 2.4, _LONGEST / width)
    flatness = min(max(float(rng.lognormal(-0.27, 0.22)), 0.5), 1.15)
    return size * width, aspect, flatness


def draw_particles(rng: np.random.Generator, count: int, lot: Lot, size: float = 1.0) -> list[Piece]:
    """Draw `count` rocks of a lot, of a `size` class, and give each a shape and a place of its own on the belt.

    Bounding circles do not overlap unless the belt is too full to find room; then a rock goes where it fits best.
    """
    particles: list[Piece] = []
    taken = np.empty((0, 3))
    for _ in range(count):
        rock = draw_rock(rng, lot)
        width, aspect, flatness = draw_size(rng, size)
        solid = draw_solid(rng, width, aspect, flatness)
        radius = 0.62 * width * np.hypot(aspect, 1.0) / PIXEL
        columns = rng.uniform(BELT[0] + radius, BELT[1] - radius, _TRIALS)
        rows = rng.uniform(_CUT * radius, LINES - _CUT * radius, _TRIALS)
        apart = np.hypot(columns[:, None] - taken[:, 0], rows[:, None] - taken[:, 1]) - taken[:, 2] - radius
        room = apart.min(axis=1, initial=np.inf) - _GAP
        best = int(np.argmax(np.minimum(room, 0.0)))  # the first with room, or the roomiest
        place = (float(columns[best]), float(rows[best]))
        taken = np.vstack([taken, [*place, radius]])
        particles.append(Piece(solid, rock, place))
    return particles
