"""Curves of a sorter: what each share of the feed recovers, the richest by its own opinion first.

The Fuerstenau plot is that of Drzymala and Ahmed (2005), Int. J. Miner. Process.; sortability is the accuracy ratio of
the recovery-yield curve.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.balance import Figures
from oresort.sorting.lot import Lot
from oresort.sorting.resample import Interval, Vector, drawn_scans, interval

RESAMPLES = 300
TARGETS = (0.90, 0.95, 0.98)
_GRID = np.linspace(0, 1, 101)  # of mass yield


class _Ranking:
    """Particles by falling score; those of equal score form one group, which no threshold parts."""

    def __init__(self, score: NDArray[np.floating]) -> None:
        self.order = np.argsort(-np.asarray(score, np.float64), kind="stable")
        ranked = np.asarray(score)[self.order]
        self.ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True)) if len(ranked) else np.zeros(0, int)
        self.scores = ranked[self.ends]

    def shares(self, weight: Vector) -> Vector:
        """Return which share of a weight (N,) is kept down to each group (G + 1,), from 0 to 1; NaN of nothing."""
        summed = np.concatenate([[0.0], weight[self.order].cumsum()[self.ends]])
        return np.asarray(summed / summed[-1]) if summed[-1] > 0 else np.full(len(summed), np.nan)


def curves(lot: Lot, seed: int = 0) -> dict[str, Vector]:
    """Return the curves at mass yields 0, 0.01 ... 1, each (101,), `_low` and `_high` the ends of intervals over scans.

    `threshold` that keeps so much, `recovery` of ore particles; where grades are known, `metal_recovery`,
    `product_grade`, `tail_grade` (wt %) and `rest_in_tail`, the share of all but metal that is thrown out, against
    which the Fuerstenau plot shows the recovery of metal. NaN where a pile is empty.
    """
    ranking = _Ranking(lot.p_ore)
    codes, drawn = drawn_scans(lot.scan.tolist(), RESAMPLES, seed)
    table: dict[str, list[Vector]] = {}
    for counts in drawn:
        weight = counts[codes]
        for name, values in _curves(lot, ranking, weight).items():
            table.setdefault(name, []).append(values)
    found: dict[str, Vector] = {"mass_yield": _GRID, "threshold": _thresholds(lot, ranking)}
    for name, rows in table.items():
        ends = [interval(column, drawn.shape[1]) for column in np.array(rows).T]
        found |= {name: np.array([end.value for end in ends])}
        found |= {
            f"{name}_low": np.array([end.low for end in ends]),
            f"{name}_high": np.array([end.high for end in ends]),
        }
    return found


def rejections(lot: Lot, seed: int = 0) -> Figures:
    """Return how much of the feed's mass can be thrown out at most at 90, 95 and 98 % recovery, shares of 1.

    `rejection_at_95_of_ore` counts ore particles, `rejection_at_95_of_metal` weighs metal. The threshold is that of
    these very particles, so this is what the ranking allows, and not what a threshold chosen elsewhere gives.
    """
    ranking = _Ranking(lot.p_ore)
    codes, drawn = drawn_scans(lot.scan.tolist(), RESAMPLES, seed)
    weights = {"ore": lot.ore.astype(np.float64)}
    left_out: dict[str, str] = {}
    if lot.grade is not None and lot.grade.any():
        weights["metal"] = lot.mass * lot.grade
    else:
        left_out = {f"rejection_at_{100 * target:.0f}_of_metal": lot.why_no_grade for target in TARGETS}
    rows: dict[str, list[float]] = {}
    for counts in drawn:
        weight = counts[codes]
        mass = ranking.shares(weight * lot.mass)
        for what, of in weights.items():
            kept = ranking.shares(weight * of)
            for target in TARGETS:
                enough = np.flatnonzero(kept >= target - 1e-12)
                name = f"rejection_at_{100 * target:.0f}_of_{what}"
                rows.setdefault(name, []).append(1 - mass[enough[0]] if len(enough) else np.nan)
    found = {name: interval(np.array(values), drawn.shape[1]) for name, values in rows.items()}
    left_out |= {name: "no particle of ore" for name, known in found.items() if np.isnan(known.value)}
    return Figures({name: known for name, known in found.items() if name not in left_out}, left_out)


def sortability(lot: Lot, others: Mapping[str, Vector], seed: int = 0) -> Figures:
    """Return the accuracy ratio of metal recovery against mass yield: 1 is the ideal sorter, 0 one that guesses.

    `sortability` is the model's, `sortability_NAME` that of a sorter that ranks by another figure (N,) of the
    particles alone, the higher the sooner kept.
    """
    scores: dict[str, NDArray[np.floating]] = {
        "sortability": lot.p_ore,
        **{f"sortability_{name}": values for name, values in others.items()},
    }
    if lot.grade is None or not lot.grade.any():
        return Figures({}, dict.fromkeys(scores, lot.why_no_grade))
    left_out = {name: "not known of all particles" for name, score in scores.items() if not np.isfinite(score).all()}
    rankings = {name: _Ranking(score) for name, score in scores.items() if name not in left_out}
    ideal = _Ranking(lot.grade)
    codes, drawn = drawn_scans(lot.scan.tolist(), RESAMPLES, seed)
    rows: dict[str, list[float]] = {name: [] for name in rankings}
    for counts in drawn:
        mass = counts[codes] * lot.mass
        best = _area(ideal, mass, mass * lot.grade) - 0.5
        for name, ranking in rankings.items():
            rows[name].append((_area(ranking, mass, mass * lot.grade) - 0.5) / best if best > 1e-12 else np.nan)
    found: dict[str, Interval] = {}
    for name, values in rows.items():
        known = interval(np.array(values), drawn.shape[1])
        if np.isnan(known.value):
            left_out[name] = "all particles are of one grade"
        else:
            found[name] = known
    return Figures(found, left_out)


def _area(ranking: _Ranking, mass: Vector, metal: Vector) -> float:
    return float(np.trapezoid(ranking.shares(metal), ranking.shares(mass)))


def _curves(lot: Lot, ranking: _Ranking, weight: Vector) -> dict[str, Vector]:
    mass = weight * lot.mass
    place = ranking.shares(mass)  # (G + 1,)
    found = {"recovery": np.interp(_GRID, place, ranking.shares(weight * lot.ore))}
    if lot.grade is not None and lot.grade.any():
        metal = mass * lot.grade / 100
        feed = metal.sum() / mass.sum()
        kept = np.interp(_GRID, place, ranking.shares(metal))
        with np.errstate(invalid="ignore", divide="ignore"):
            found["metal_recovery"] = kept
            found["product_grade"] = np.where(_GRID > 0, 100 * feed * kept / _GRID, np.nan)
            found["tail_grade"] = np.where(_GRID < 1, 100 * feed * (1 - kept) / (1 - _GRID), np.nan)
            # of all that is no metal
            found["rest_in_tail"] = (1 - _GRID - feed * (1 - kept)) / (1 - feed)
    return found


def _thresholds(lot: Lot, ranking: _Ranking) -> Vector:
    place = ranking.shares(lot.mass)[1:]
    groups = np.searchsorted(place, _GRID - 1e-9).clip(0, max(len(place) - 1, 0))
    found = ranking.scores[groups].astype(np.float64)
    found[_GRID == 0] = np.nan  # no probability keeps nothing
    return np.asarray(found)
