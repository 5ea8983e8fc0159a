"""What a plant is told of a sorted lot: figures, curves, money, and what is left out and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oresort.sorting.balance import CHALCOPYRITE, Figures, balance
from oresort.sorting.lot import Lot
from oresort.sorting.money import Money, money
from oresort.sorting.partition import Partition, partition
from oresort.sorting.point import Point
from oresort.sorting.prices import NO_PRICES, Prices
from oresort.sorting.promise import promised
from oresort.sorting.ranking import curves, rejections, sortability
from oresort.sorting.resample import Interval, Vector

GRADES = ("feed_grade", "product_grade", "tail_grade", "cut_grade")
"""Figures in wt %; others are shares of 1, ratios or logarithms."""


@dataclass(frozen=True)
class Account:
    """What is told of a lot."""

    lot: Lot
    point: Point
    figures: Figures
    curves: dict[str, Vector]  # see `oresort.sorting.ranking.curves`
    partition: Partition
    prices: Prices | None
    money: Money | None  # None where there are no prices or grades

    def plain(self) -> dict[str, Any]:
        """Return it in plain values, without the curves."""
        lot, missed = self.lot, int((self.lot.ore & ~self.point.kept(self.lot.p_ore)).sum())
        return {
            "pairs": len(lot),
            "ore": int(lot.ore.sum()),
            "scans": lot.scans,
            "mass_from": lot.mass_from,
            "figures": {name: known._asdict() for name, known in self.figures.found.items()},
            "left_out": dict(self.figures.left_out),
            "partition": {"grade": self.partition.grade.tolist(), "number": self.partition.number.tolist()},
            "operating_point": {**self.point.plain(), "words": self.point.words()},
            # what these particles alone promise of particles like them, with 90 % confidence
            "recovery_at_least": promised(int(lot.ore.sum()), missed, 0.9),
            "prices": self.prices and self.prices.plain(),
            "money": self.money and self.money.plain(),
        }

    def headline(self) -> str:
        """Return it in one line, such as: keep 61.0 %, recover 95.1 % of the metal (93.0 to 97.2), +2.10 $/t."""
        found = self.figures.found
        parts = [f"keep {100 * found['mass_yield'].value:.1f} % of the mass"] if "mass_yield" in found else []
        name, what = ("metal_recovery", "metal") if "metal_recovery" in found else ("recovery", "ore particles")
        if name in found:
            parts.append(f"recover {100 * found[name].value:.1f} % of the {what}{_ends(found[name], 100, 1)}")
        if self.money is not None and self.prices is not None:
            gain = self.money.gain
            parts.append(f"{gain.value:+.2f} {self.prices.currency}/t of feed{_ends(gain, 1, 2)} against no sorting")
        return ", ".join(parts)


def account(
    lot: Lot, point: Point, prices: Prices | None = None, others: Mapping[str, Vector] | None = None
) -> Account:
    """Return the account of a lot (N particles) at an operating point.

    `others` are figures (N,) of the particles by which simpler sorters rank, see `sortability`.

    Raises:
        InputError: a lot of no particles.
    """
    kept = point.kept(lot.p_ore)
    parts = [balance(lot, kept, prices.mineral_grade if prices else CHALCOPYRITE), rejections(lot)]
    parts.append(sortability(lot, others or {}))
    curve = partition(lot, kept, prices.break_even if prices else None)
    parts.append(curve.figures)
    found = {name: known for part in parts for name, known in part.found.items()}
    left_out = {name: why for part in parts for name, why in part.left_out.items()}
    worth = None
    if prices is None:
        left_out["value"] = NO_PRICES
    elif lot.why_no_grade:
        left_out["value"] = lot.why_no_grade
    else:
        worth = money(lot, kept, prices)
        found["value"] = worth.value
    return Account(lot, point, Figures(found, left_out), curves(lot), curve, prices, worth)


def _ends(known: Interval, size: float, digits: int) -> str:
    if not np.isfinite(known.low):
        return ""
    sign = "+" if size == 1 else ""
    return f" ({size * known.low:{sign}.{digits}f} to {size * known.high:{sign}.{digits}f})"
