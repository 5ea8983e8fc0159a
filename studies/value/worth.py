"""What it is worth to sort a lot: against the better of milling all of it and dumping all of it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.decide import is_ore
from oresort.sorting.lot import Lot
from oresort.sorting.money import best_threshold
from oresort.sorting.prices import Prices
from oresort.sorting.resample import Vector, drawn_scans, interval
from oresort.tables.bootstrap import weighted_metric

RESAMPLES = 1_000


class Worth(NamedTuple):
    """A lot sorted, per tonne of feed; each (1 + B,), the figure itself first."""

    gain: Vector  # value of sorting less that of the better of milling and of dumping all
    perfect: Vector  # the same of a sorter that knows every grade
    mass_yield: Vector
    metal_recovery: Vector
    without: str  # what is done without a sorter: mill or dump


def worth(lot: Lot, kept: NDArray[np.bool_], prices: Prices) -> Worth:
    """Return what it is worth to keep some particles (N,) of a lot with grades."""
    assert lot.grade is not None
    codes, drawn = drawn_scans(lot.scan.tolist(), RESAMPLES)

    def mean(column: Vector) -> Vector:
        summed = [drawn @ np.bincount(codes, part, drawn.shape[1]) for part in (lot.mass * column, lot.mass)]
        return np.asarray(summed[0] / summed[1])  # (1 + B,), by mass

    milled, dumped = lot.grade / 100 * prices.of_metal - prices.mill_cost, -prices.dump_cost
    all_milled = mean(milled)
    mills = bool(all_milled[0] >= dumped)
    without = all_milled if mills else np.full(len(all_milled), dumped)
    return Worth(
        mean(np.where(kept, milled, dumped)) - prices.sort_cost - without,
        mean(np.maximum(milled, dumped)) - prices.sort_cost - without,
        mean(kept.astype(np.float64)),
        mean(kept * lot.grade) / mean(lot.grade),
        "mill" if mills else "dump",
    )


def by_value(val: Lot, test: Lot, prices: Prices) -> tuple[float, NDArray[np.bool_]]:
    """Return the threshold that earns most on one lot, and what it keeps (N,) of another."""
    threshold = best_threshold(val, prices)
    return threshold, is_ore(test.p_ore, threshold)


def auroc(lot: Lot, grade: float) -> Vector:
    """Return the AUROC (1 + B,) of a lot's answers, of particles from a grade (wt %) on against the others."""
    assert lot.grade is not None
    codes, drawn = drawn_scans(lot.scan.tolist(), RESAMPLES)
    return weighted_metric("auroc", lot.p_ore.astype(np.float64), lot.grade >= grade, 0.5, drawn[:, codes])


def told(name: str, values: Vector, lot: Lot, size: float = 1.0) -> dict[str, float]:
    """Return a figure and the ends of its interval over lots, for a table; `size` multiplies them."""
    found = interval(size * values, lot.scans)
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def crossings(prices: Vector, gains: Vector) -> tuple[float, float]:
    """Return from which price to which a gain is above 0, between neighbours on a line; NaN: none, or beyond the ends.

    Of several such spans from the first to the last.
    """
    above = np.flatnonzero(gains > 0)
    if not len(above):
        return np.nan, np.nan
    first, last = int(above[0]), int(above[-1])

    def between(one: int, other: int) -> float:
        share = gains[one] / (gains[one] - gains[other])
        return float(prices[one] + share * (prices[other] - prices[one]))

    low = between(first - 1, first) if first else np.nan
    return low, between(last, last + 1) if last + 1 < len(prices) else np.nan
