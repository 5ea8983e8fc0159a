"""What a belt without labels is expected to give: its answers, read as those of the validation pairs were.

Particles of a belt are counted in classes of p_ore; in each class ore and metal are as frequent as among the validation
pairs of that class. That is as good as the likeness of the two: the drift alarm stands beside it.
"""

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.balance import Figures
from oresort.sorting.lot import Lot
from oresort.sorting.prices import NO_PRICES, Prices
from oresort.sorting.resample import Vector, drawn_scans, interval

RESAMPLES = 500
FEWEST = 100  # validation pairs from which on something is expected
_CLASS = 40  # of these in a class of p_ore, at least
_CLASSES = 20  # at most, and one more for the threshold

_OF_ORE = ("recovery", "mass_recovery")
_OF_METAL = ("metal_recovery", "feed_grade", "product_grade", "tail_grade", "gain")


class Expectation:
    """Counts the particles of a belt as they are decided on; memory does not grow with them.

    Args:
        known: validation pairs as the model answered them; None: it knows of none.
        threshold: of the belt.
        prices: of the plant, for the `gain` over no sorting; None: it is left out.
    """

    def __init__(self, known: Lot | None, threshold: float, prices: Prices | None = None) -> None:
        self._prices = prices
        self._known = known if known is not None and len(known) >= FEWEST else None
        self._why = "the model knows no validation pairs"
        self._edges = np.zeros(0)
        if known is not None:
            self._why = f"the model knows only {len(known)} validation pairs, {FEWEST} are needed"
        if self._known is not None:
            steps = max(1, min(_CLASSES, len(self._known) // _CLASS))
            inner = np.quantile(self._known.p_ore, np.arange(1, steps) / steps)
            self._edges = np.unique(np.append(inner, np.float32(threshold)))  # lower ends of all classes but the first
        count = len(self._edges) + 1
        self._number, self._mass = np.zeros((2, count)), np.zeros((2, count))  # of those thrown out and kept, by class
        self._whole = np.zeros(2)  # mass of all of them, with an answer or without
        self.unanswered = 0

    def add(self, p_ore: NDArray[np.floating], mass: Vector, kept: NDArray[np.bool_]) -> None:
        """Count some particles (N,); those without an answer (NaN) or a mass count for the yield alone, if at all."""
        weight = np.where(np.isfinite(mass) & (mass > 0), mass, 0)
        self._whole += [weight[~kept].sum(), weight[kept].sum()]
        known = np.isfinite(p_ore)
        self.unanswered += int((~known).sum())
        classes = self._classes(np.asarray(p_ore)[known])
        for pile in (0, 1):
            own = kept[known] == bool(pile)
            self._number[pile] += np.bincount(classes[own], minlength=self._number.shape[1])
            self._mass[pile] += np.bincount(classes[own], weight[known][own], self._number.shape[1])

    def figures(self, seed: int = 0) -> Figures:
        """Return `mass_yield` of the particles' own image mass, and what is expected of ore and metal, with intervals.

        Names are those of `balance`, and `gain`, per tonne of feed over no sorting. Intervals are over the scans of the
        validation pairs: they say how well these tell of the rates, and not how a belt differs from them.
        """
        found, left_out = {}, {}
        if self._whole.sum() > 0:
            share = self._whole[1] / self._whole.sum()
            found["mass_yield"] = interval(np.array([share]), 0)
        else:
            left_out["mass_yield"] = "no particle has a mass"
        known = self._known
        if known is None or not self._number.sum():
            why = self._why if known is None else "no particle has an answer"
            return Figures(found, {**left_out, **dict.fromkeys((*_OF_ORE, *_OF_METAL), why)})
        codes, drawn = drawn_scans(known.scan.tolist(), RESAMPLES, seed)
        scans, count = drawn.shape[1], self._number.shape[1]
        cells = codes * count + self._classes(known.p_ore)

        def summed(column: Vector) -> Vector:
            return np.asarray(drawn @ np.bincount(cells, column, scans * count).reshape(scans, count))  # (1 + B, C)

        ones = np.ones(len(known))
        rates = {
            "recovery": _ratio(summed(ones * known.ore), summed(ones)),
            "mass_recovery": _ratio(summed(known.mass * known.ore), summed(known.mass)),
        }
        if known.grade is not None and known.grade.any():
            rates["metal_recovery"] = _ratio(summed(known.mass * known.grade / 100), summed(known.mass))
        else:
            left_out |= dict.fromkeys(_OF_METAL, f"of the model's validation pairs, {known.why_no_grade}")
        rows: dict[str, Vector] = {}
        for name, rate in rates.items():
            thrown, kept = (_expected(pile, rate) for pile in (self._number if name == "recovery" else self._mass))
            rows[name] = _ratio(kept, thrown + kept)
            if name == "metal_recovery":
                masses = self._mass.sum(axis=1)
                if self._prices is not None:
                    # by throwing out a tonne its metal is lost, and it is dumped instead of milled
                    saved = masses[0] * (self._prices.mill_cost - self._prices.dump_cost)
                    rows["gain"] = (saved - thrown * self._prices.of_metal) / masses.sum() - self._prices.sort_cost
                rows["feed_grade"] = 100 * _ratio(thrown + kept, np.full(len(kept), masses.sum()))
                rows["product_grade"] = 100 * _ratio(kept, np.full(len(kept), masses[1]))
                rows["tail_grade"] = 100 * _ratio(thrown, np.full(len(kept), masses[0]))
        if self._prices is None:
            left_out["gain"] = NO_PRICES
        for name, values in rows.items():
            if np.isfinite(values[0]):
                found[name] = interval(values, scans)
            else:
                left_out[name] = "a pile is empty, or holds nothing of it"
        return Figures(found, left_out)

    def _classes(self, p_ore: NDArray[np.floating]) -> NDArray[np.int64]:
        return np.searchsorted(self._edges, np.asarray(p_ore, np.float32), side="right").astype(np.int64)


def _expected(amount: Vector, rate: Vector) -> Vector:
    """Return the sum over classes (C,) of amounts times rates (1 + B, C); NaN where a rate that counts is unknown."""
    return np.asarray(np.where(amount > 0, amount * rate, 0).sum(axis=1))


def _ratio(part: Vector, whole: Vector) -> Vector:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
