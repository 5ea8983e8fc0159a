"""Lots of particles for tests of figures, drawn or written down."""

import numpy as np

from oresort.sorting.lot import Lot


def lot(p, ore, mass=None, grade=None, scan=None, mass_from="manifest") -> Lot:
    """A lot of a few particles; of one scan each where nothing else is said."""
    count = len(p)
    return Lot(
        np.array(p, np.float32),
        np.array(ore, bool),
        np.array([str(i) for i in (range(count) if scan is None else scan)], str),
        np.ones(count) if mass is None else np.array(mass, float),
        mass_from,
        None if grade is None else np.array(grade, float),
        0 if grade is None else count,
    )


def drawn(seed: int = 0, count: int = 800, scans: int = 40, signal: float = 1.5, spread: float = 0.5) -> Lot:
    """Particles of scans that differ, whose grade and answers belong together."""
    rng = np.random.default_rng(seed)
    scan = rng.integers(scans, size=count)
    x = rng.normal(size=count) + spread * rng.normal(size=scans)[scan]
    p = 1 / (1 + np.exp(-(signal * x + rng.normal(size=count))))
    return lot(p, x > 0.3, rng.lognormal(2, 0.5, count), np.clip(0.1 * np.exp(1.2 * x), 0, 30), scan)
