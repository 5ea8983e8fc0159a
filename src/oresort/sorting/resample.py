"""How sure a figure is: a bootstrap over whole scans, since particles of one scan are alike."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LEVEL = 0.95  # share of the resamples inside an interval
FEWEST = 5  # scans below which no interval is given: resamples of so few differ less than scans do


class Interval(NamedTuple):
    """A figure, and the ends of its interval; the ends are NaN where too few scans or resamples tell of them."""

    value: float
    low: float
    high: float


def drawn_scans(scans: Sequence[str], resamples: int, seed: int = 0) -> tuple[NDArray[np.int64], Vector]:
    """Return the number of each pair's scan (N,), 0 to S - 1, and how often each scan is drawn (1 + resamples, S).

    Row 0 draws every scan once: what it gives is the figure itself. Scans are numbered as they first come.
    """
    _, first, codes = np.unique(np.asarray(scans, str), return_index=True, return_inverse=True)
    codes = np.argsort(np.argsort(first))[codes]  # (N,), in the order in which they first come
    count = len(first)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / max(count, 1)), size=resamples)
    return codes, np.vstack([np.ones(count), drawn]).astype(np.float64)


def interval(values: Vector, scans: int) -> Interval:
    """Return the first of some values (1 + B,), and between what the middle `LEVEL` of the others lie.

    `scans` is from how many they were drawn. Resamples in which a figure is undefined (NaN) are left out; where that
    are more than one in ten, or scans are fewer than `FEWEST`, the ends are NaN.
    """
    drawn = values[1:]
    known = drawn[np.isfinite(drawn)]
    if scans < FEWEST or len(known) < 0.9 * len(drawn) or not len(known) or not np.isfinite(values[0]):
        return Interval(float(values[0]), np.nan, np.nan)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(float(values[0]), float(low), float(high))
