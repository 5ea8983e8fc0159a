"""A belt as an observer is told of it: grey lines with dark blocks, and a decision on each block."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from oresort.scan.segment.particle import Particle
from oresort.sorting.decision import Decision
from oresort.sorting.drift import PairFigures

WIDTH = 3_328
AIR = 52_350


def decision(x: int, y: int, w: int, h: int, word: str, p: float = 0.5, **flags: bool) -> Decision:
    """A decision on a block."""
    particle = Particle(x, y, w, h, flags.pop("clipped", False), np.ones((h, w), np.bool_), **flags)
    figures = PairFigures(1.0, 0.5, 2.0, 0.1, 0.1, float(w * h), 1.0)
    return Decision(particle, w * h, 10.0, 1.0, 0.5, figures, np.float32(p), word, "threshold")


def belt(lines: int, every: int, seed: int = 0) -> tuple[NDArray[np.uint16], list[Decision]]:
    """Counts of the low layer (lines, WIDTH), noisy air a block each `every` lines, and decisions by their ends."""
    rng = np.random.default_rng(seed)
    low = rng.normal(AIR, 1_400, (lines, WIDTH)).clip(1, 65_535)
    low[:, :181] = low[:, 2_810:] = 65_535
    made = []
    for y in range(20, lines - 100, every):
        w, h, x = int(rng.integers(40, 90)), int(rng.integers(40, 90)), int(rng.integers(200, 2_700))
        low[y : y + h, x : x + w] *= rng.uniform(0.2, 0.6)
        p = float(rng.uniform())
        flags = {"touching": True} if rng.uniform() < 0.1 else {}
        made.append(decision(x, y, w, h, "ore" if p >= 0.5 else "waste", p, **flags))
    return low.astype(np.uint16), sorted(made, key=lambda one: one.particle.y + one.particle.h)


def blocks(
    lines: NDArray[np.uint16], made: list[Decision], size: int = 32
) -> Iterator[tuple[NDArray[np.uint16], list[Decision], int]]:
    """The belt in blocks of lines, each with what is decided then, 62 lines after a particle's end."""
    waiting = list(made)
    for start in range(0, len(lines), size):
        end = start + size
        ready = [one for one in waiting if one.particle.y + one.particle.h + 62 <= end]
        waiting = waiting[len(ready) :]
        yield lines[start:end], ready, end
