"""What sorting is worth, per tonne of feed.

V = metal in the product x what it brings - yield x milling - (1 - yield) x dumping - sorting, against milling all of it
unsorted, and against a sorter that knows every particle's grade.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.sorting.decide import is_ore
from oresort.sorting.lot import Lot
from oresort.sorting.prices import Prices
from oresort.sorting.resample import Interval, Vector, drawn_scans, interval

RESAMPLES = 1_000
FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""By which the price of metal is multiplied."""

_STEPS = 100  # thresholds of the curve, evenly over the mass


@dataclass(frozen=True)
class Money:
    """Values per tonne of feed, in the prices' currency; intervals over scans."""

    value: Interval  # of the sorter at its threshold
    no_sorting: Interval  # all is milled
    perfect: Interval  # every particle by its true grade
    gain: Interval  # value less no_sorting
    share_of_perfect: Interval  # of what a perfect sorter would gain
    best_threshold: float  # of the highest value on these very particles, in hindsight
    best_value: Interval  # at it
    curve: dict[str, Vector]  # by threshold, see `value.csv` in docs/decision.md, each (T,)
    sensitivity: list[dict[str, float]]  # a row for each of `FACTORS`

    @property
    def doubts(self) -> list[str]:
        """What must be said before a gain over no sorting is believed, a line each."""
        lines = []
        if self.no_sorting.value < 0:
            lines.append(
                f"without sorting this feed loses {-self.no_sorting.value:.2f} per tonne at these prices, so nobody "
                "would mill it: a gain over that is none yet; see to metal_price and its unit"
            )
        if self.gain.value < 0:
            lines.append(f"sorting loses money at these prices: {self.gain.value:.2f} per tonne of feed")
        return lines

    def plain(self) -> dict[str, Any]:
        """Return it in plain values, without the curve."""
        content = asdict(self)
        del content["curve"]
        plain = {key: value._asdict() if isinstance(value, Interval) else value for key, value in content.items()}
        return {**plain, "doubts": self.doubts}


def money(lot: Lot, kept: NDArray[np.bool_], prices: Prices, seed: int = 0) -> Money:
    """Return what it is worth to keep some particles (N,) of a lot.

    Raises:
        InputError: no grade, without which nothing has a price.
    """
    if lot.grade is None or not len(lot):
        raise InputError(f"prices: {lot.why_no_grade or 'no particles'}, so nothing has a value; leave prices= out")
    codes, drawn = drawn_scans(lot.scan.tolist(), RESAMPLES, seed)
    scans = drawn.shape[1]
    mass, milled, dumped = lot.mass, _milled(lot, prices), np.full(len(lot), -prices.dump_cost)

    def summed(column: Vector) -> Vector:
        return np.asarray(drawn @ np.bincount(codes, column, scans))

    whole = summed(mass)
    value = summed(mass * np.where(kept, milled, dumped)) / whole - prices.sort_cost
    no_sorting = summed(mass * milled) / whole
    perfect = summed(mass * np.maximum(milled, dumped)) / whole - prices.sort_cost
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(perfect > no_sorting, (value - no_sorting) / (perfect - no_sorting), np.nan)
    best = best_threshold(lot, prices)
    at_best = summed(mass * np.where(is_ore(lot.p_ore, best), milled, dumped)) / whole - prices.sort_cost
    return Money(
        value=interval(value, scans),
        no_sorting=interval(no_sorting, scans),
        perfect=interval(perfect, scans),
        gain=interval(value - no_sorting, scans),
        share_of_perfect=interval(share, scans),
        best_threshold=best,
        best_value=interval(at_best, scans),
        curve=_curve(lot, prices, codes, drawn),
        sensitivity=[_at(lot, kept, prices.at(factor), factor) for factor in FACTORS],
    )


def best_threshold(lot: Lot, prices: Prices) -> float:
    """Return the threshold, 0 to 1, at which a lot with grades is worth most; of equals the lowest.

    1 stands for keeping what the model is wholly sure of, where keeping anything else costs more than it brings.
    """
    order = np.argsort(lot.p_ore, kind="stable")
    p = lot.p_ore[order].astype(np.float64)
    gain = (lot.mass * (_milled(lot, prices) + prices.dump_cost))[order]  # of milling a particle instead of dumping it
    above = np.append(gain[::-1].cumsum()[::-1], 0.0)  # (N + 1,): if all from this one on are kept
    cuts = np.append(np.where(np.diff(p, prepend=-1.0) > 0, above[:-1], -np.inf), -np.inf)
    if not np.any(p == 1):
        cuts[-1] = 0.0  # threshold 1 keeps nothing
    place = int(cuts.argmax())
    return 1.0 if place == len(p) else 0.0 if place == 0 else float(p[place])


def _milled(lot: Lot, prices: Prices) -> Vector:
    """Return what a tonne of each particle (N,) brings in the product."""
    assert lot.grade is not None
    return np.asarray(lot.grade / 100 * prices.of_metal - prices.mill_cost)


def _curve(lot: Lot, prices: Prices, codes: NDArray[np.int64], drawn: Vector) -> dict[str, Vector]:
    assert lot.grade is not None
    p = lot.p_ore.astype(np.float64)
    order = np.argsort(p, kind="stable")
    share = lot.mass[order].cumsum() / lot.mass.sum()
    places = np.searchsorted(share, np.arange(_STEPS) / _STEPS).clip(0, len(p) - 1)
    cuts = np.unique(np.concatenate([[0.0], p[order][places]]))  # (T,), float32 numbers
    bins = np.searchsorted(cuts, p, side="right") - 1  # kept at all cuts up to this one
    count, scans = len(cuts), drawn.shape[1]

    def above(column: Vector) -> Vector:
        cells = np.bincount(codes * count + bins, column, scans * count).reshape(scans, count)
        return np.asarray((drawn @ cells)[:, ::-1].cumsum(axis=1)[:, ::-1])  # (1 + B, T)

    mass, metal = above(lot.mass), above(lot.mass * lot.grade / 100)
    whole = mass[:, :1]
    brought = metal * prices.of_metal - mass * prices.mill_cost - (whole - mass) * prices.dump_cost
    value = brought / whole - prices.sort_cost
    gain = value - (metal[:, :1] * prices.of_metal / whole - prices.mill_cost)
    ends = {
        name: [interval(column, scans) for column in values.T] for name, values in (("value", value), ("gain", gain))
    }
    return {
        "threshold": cuts,
        "mass_yield": mass[0] / whole[0],
        "metal_recovery": metal[0] / metal[0, 0] if metal[0, 0] > 0 else np.full(count, np.nan),
        **{name: np.array([end.value for end in found]) for name, found in ends.items()},
        **{f"{name}_low": np.array([end.low for end in found]) for name, found in ends.items()},
        **{f"{name}_high": np.array([end.high for end in found]) for name, found in ends.items()},
    }


def _at(lot: Lot, kept: NDArray[np.bool_], prices: Prices, factor: float) -> dict[str, float]:
    milled, best = _milled(lot, prices), best_threshold(lot, prices)

    def value(keep: NDArray[np.bool_]) -> float:
        return float(np.average(np.where(keep, milled, -prices.dump_cost), weights=lot.mass)) - prices.sort_cost

    return {
        "factor": factor,
        "metal_price": prices.metal_price,
        "break_even_grade": prices.break_even,
        "value": value(kept),
        "no_sorting": float(np.average(milled, weights=lot.mass)),
        "perfect": value(milled > -prices.dump_cost),
        "best_threshold": best,
        "best_value": value(is_ore(lot.p_ore, best)),
    }
