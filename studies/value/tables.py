"""The three questions, each a table: prices and association, points of AUROC, labels."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from oresort.errors import InputError
from oresort.sorting.decide import is_ore
from oresort.sorting.lot import Lot
from oresort.sorting.prices import Prices
from oresort.sorting.resample import Vector, interval
from studies.value.made import Answered, answered, simulated, trained
from studies.value.settings import APART, BY_ASSAY, BY_LOT, MIXED, Options
from studies.value.worth import Worth, auroc, by_value, crossings, told, worth

WHOLE = ("train", "val", "test")
"""Of a mine that no training has seen all pairs are a test."""


def of_prices(options: Options, prices: Prices) -> pd.DataFrame:
    """Return a row for each kind of mine, association and price of metal."""
    rows = []
    for kind, associations in ((APART, options.apart), (MIXED, options.mixed)):
        for association in associations:
            own = simulated(options, kind, association, options.seeds[0])
            run = trained(options, own, options.seeds[0])
            val = answered(options, run, own, ("val",)).lot
            test = answered(options, run, simulated(options, kind, association, options.test), WHOLE).lot
            head = {"mine": kind, "association": association, **told("auroc", auroc(test, options.cutoff), test, 100)}
            for price in options.metal_prices:
                at = prices.at(price / prices.metal_price)
                threshold, kept = by_value(val, test, at)
                rows.append({**head, "metal_price": price, "threshold": threshold, **_row(worth(test, kept, at), test)})
    return pd.DataFrame(rows)


def _row(found: Worth, test: Lot) -> dict[str, Any]:
    return {
        "without": found.without,
        **told("gain", found.gain, test),
        "perfect": float(found.perfect[0]),
        "mass_yield": 100 * float(found.mass_yield[0]),
        "metal_recovery": 100 * float(found.metal_recovery[0]),
    }


def of_associations(table: pd.DataFrame, price: float) -> pd.DataFrame:
    """Return the rows of one price, and from which price to which each mine's sorting pays."""
    rows = []
    for _, group in table.groupby(["mine", "association"], sort=False):
        one = group[group["metal_price"] == price].iloc[0]
        low, high = crossings(group["metal_price"].to_numpy(float), group["gain"].to_numpy())
        rows.append({**one, "pays_from": low, "pays_to": high})
    return pd.DataFrame(rows)


def noisy(lot: Lot, noise: float, seed: int) -> Lot:
    """Return a lot whose answers are worse: normal noise on logits, in deviations of theirs."""
    p = lot.p_ore.astype(np.float64).clip(1e-6, 1 - 1e-6)
    logits = np.log(p / (1 - p))
    logits += noise * logits.std() * np.random.default_rng(seed).standard_normal(len(lot))
    return replace(lot, p_ore=(1 / (1 + np.exp(-logits))).astype(np.float32))


def of_points(options: Options, prices: Prices) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row for each sorter and price, and for each price what a point of AUROC is worth."""
    own = simulated(options, APART, options.usual, options.seeds[0])
    run, away = trained(options, own, options.seeds[0]), simulated(options, APART, options.usual, options.test)
    val, test = answered(options, run, own, ("val",), look=True), answered(options, run, away, WHOLE, look=True)
    rows, slopes = [], []
    # with more noise nearly all is kept, and one point more or less brings nothing
    near = [f"noise {noise:g}" for noise in options.noises if noise <= 1]
    for factor in options.factors:
        at = prices.at(factor)
        line: list[tuple[Vector, Vector]] = []
        for name, one, other in _sorters(options, val, test):
            found, points = worth(other, by_value(one, other, at)[1], at), 100 * auroc(other, at.break_even)
            if name in near:
                line.append((points, found.gain))
            head = {"metal_price": at.metal_price, "sorter": name, **told("auroc", points, other)}
            rows.append({**head, **_row(found, other)})
        slope = interval(_slope(line), test.lot.scans)
        ends = {"point": slope.value, "point_low": slope.low, "point_high": slope.high}
        slopes.append({"metal_price": at.metal_price, "break_even": at.break_even, **ends})
    return pd.DataFrame(rows), pd.DataFrame(slopes)


def _sorters(options: Options, val: Answered, test: Answered) -> Iterator[tuple[str, Lot, Lot]]:
    for noise in options.noises:
        yield f"noise {noise:g}", noisy(val.lot, noise, 1), noisy(test.lot, noise, 2)
    for name, title in (("r", "R alone"), ("density", "mean attenuation alone")):
        both = np.concatenate([val.others[name], test.others[name]])
        if not np.isfinite(both).all():
            raise InputError(f"{name}: not known of all particles; simulate them again")
        ranks = ((both - both.min()) / np.ptp(both)).astype(np.float32)  # as good as a probability for an order
        cut = len(val.lot)
        yield title, replace(val.lot, p_ore=ranks[:cut]), replace(test.lot, p_ore=ranks[cut:])


def _slope(line: list[tuple[Vector, Vector]]) -> Vector:
    """Return the slope (1 + B,) of the least squares' line through points (x, y), each (1 + B,)."""
    x, y = (np.array(values) for values in zip(*line, strict=True))  # (K, 1 + B) each
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.asarray((x * y).sum(axis=0) / (x**2).sum(axis=0))


WAYS = {
    "lot, threshold by lot": (BY_LOT, False),
    "lot, threshold by value": (BY_LOT, True),
    "assay, threshold by value": (BY_ASSAY, True),
}
"""What a model learned from, and whether its threshold is chosen by value, which wants assays, or by its labels."""


def of_labels(options: Options, prices: Prices) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a row for each seed and way, and each way's means with the difference to the last one, over the seeds."""
    away = simulated(options, APART, options.usual, options.test)
    rows: list[dict[str, Any]] = []
    draws: dict[str, list[dict[str, Vector]]] = {way: [] for way in WAYS}
    for seed in options.seeds:
        own = simulated(options, APART, options.usual, seed)
        for way, (labels, valued) in WAYS.items():
            run = trained(options, own, seed, labels)
            val, test = answered(options, run, own, ("val",)), answered(options, run, away, WHOLE)
            kept = is_ore(test.lot.p_ore, val.threshold)
            if valued:
                _, kept = by_value(val.lot, test.lot, prices)
            found = worth(test.lot, kept, prices)
            shares = {"mass_yield": 100 * found.mass_yield, "metal_recovery": 100 * found.metal_recovery}
            mine = {"auroc": 100 * auroc(test.lot, prices.break_even), **shares, "gain": found.gain}
            draws[way].append(mine)
            rows.append({"seed": seed, "labels": way, **{name: float(values[0]) for name, values in mine.items()}})
    means, last = [], list(WAYS)[-1]
    for way, many in draws.items():
        row: dict[str, Any] = {"labels": way, "seeds": len(many)}
        for name in many[0]:
            row[name] = float(np.mean([one[name][0] for one in many]))
        for name in ("auroc", "gain") if way != last else ():
            lost = np.mean([one[name] for one in many], axis=0) - np.mean([one[name] for one in draws[last]], axis=0)
            row |= told(f"{name}_less", lost, test.lot)
        means.append(row)
    return pd.DataFrame(rows), pd.DataFrame(means)
