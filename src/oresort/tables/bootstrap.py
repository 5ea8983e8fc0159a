"""How sure a difference between two models is: a paired bootstrap over whole scans."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.sorting.decide import is_ore
from oresort.sorting.resample import LEVEL, drawn_scans

Weights = NDArray[np.float64]
Scans = NDArray[np.int64]  # the number of each pair's scan

_AT_ONCE = 2_000_000  # weights that are held at a time

COMPARABLE = (
    *("auroc", "f1", "recall", "precision", "accuracy", "balanced_accuracy", "mcc", "average_precision", "brier"),
    *("specificity", "kept"),
)
"""What can be resampled; not `ece`, which grows by resampling itself."""


class Run(NamedTuple):
    """What one run said of a split: `predictions` with `id, scan, label (ore|waste), p_ore`, its threshold.

    An older table has no `images`, see `oresort.learn.record.predicted`.
    """

    predictions: pd.DataFrame
    threshold: float


class Difference(NamedTuple):
    """Own minus reference, and the ends of its interval; shares of 1."""

    value: float
    low: float
    high: float


def weighted_metric(
    metric: str, p_ore: Weights, ore: NDArray[np.bool_], threshold: float | Weights, weights: Weights
) -> Weights:
    """Return a metric of `COMPARABLE` (B,) of pairs (N,) counted `weights` (B, N) times; NaN where it is undefined.

    `threshold` is one for all, or that of each pair (N,).
    """
    if metric not in COMPARABLE:
        raise InputError(f"metric={metric}: no interval of that; known are {', '.join(COMPARABLE)}")
    with np.errstate(invalid="ignore", divide="ignore"):
        if metric == "auroc":
            return _auroc(p_ore, ore, weights)
        if metric == "average_precision":
            return _average_precision(p_ore, ore, weights)
        if metric == "brier":
            return np.asarray(weights @ ((p_ore - ore) ** 2) / weights.sum(axis=1))
        called = is_ore(p_ore, threshold)
        groups = called & ore, called & ~ore, ~called & ore, ~called & ~ore
        tp, fp, fn, tn = (weights @ group.astype(np.float64) for group in groups)
        recall = tp / (tp + fn)
        formulas = {
            "f1": 2 * tp / (2 * tp + fp + fn),
            "recall": recall,
            "precision": tp / (tp + fp),
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
            "balanced_accuracy": (recall + tn / (tn + fp)) / 2,
            "mcc": (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
            "specificity": tn / (tn + fp),
            "kept": (tp + fp) / (tp + fp + fn + tn),
        }
        return np.asarray(formulas[metric])


def resampled(
    metric: str, p_ore: Weights, ore: NDArray[np.bool_], threshold: float | Weights, drawn: Weights, codes: Scans
) -> Weights:
    """Return `weighted_metric` (B,) of pairs (N,) for each draw (B, S) of scans, see `drawn_scans`, in parts."""
    step = max(1, _AT_ONCE // max(1, len(codes)))
    parts = (drawn[start : start + step][:, codes] for start in range(0, len(drawn), step))  # (step, N) each
    return np.concatenate([weighted_metric(metric, p_ore, ore, threshold, part) for part in parts])


def _counted(p_ore: Weights, ore: NDArray[np.bool_], weights: Weights) -> tuple[Weights, Weights]:
    """Return ore and waste (B, G) of each group of equal probabilities, the lowest first."""
    order = np.argsort(p_ore, kind="stable")
    starts = np.flatnonzero(np.diff(p_ore[order], prepend=-np.inf))
    sorted_ore, own = ore[order], weights[:, order]  # (N,), (B, N)
    return np.add.reduceat(own * sorted_ore, starts, axis=1), np.add.reduceat(own * ~sorted_ore, starts, axis=1)


def _average_precision(p_ore: Weights, ore: NDArray[np.bool_], weights: Weights) -> Weights:
    positive, negative = (counts[:, ::-1] for counts in _counted(p_ore, ore, weights))  # the highest first
    kept = np.cumsum(positive, axis=1)
    precision = kept / (kept + np.cumsum(negative, axis=1))
    # groups of weight 0 above all others keep nothing, and add nothing
    return np.asarray((positive * np.nan_to_num(precision)).sum(axis=1) / positive.sum(axis=1))


def _auroc(p_ore: Weights, ore: NDArray[np.bool_], weights: Weights) -> Weights:
    positive, negative = _counted(p_ore, ore, weights)
    below = np.cumsum(negative, axis=1) - negative / 2  # of a group's own negatives half lie below
    return np.asarray((positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)))


def same_pairs(runs: Sequence[Run]) -> bool:
    """Tell whether all runs predicted the same pairs, of the same classes, scans and, where these are known, images."""
    tables = [run.predictions.sort_values("id", ignore_index=True) for run in runs]
    first = tables[0][["id", "label", "scan"]]
    known = [table["images"] for table in tables if "images" in table]
    return all(table[["id", "label", "scan"]].equals(first) for table in tables[1:]) and all(
        images.equals(known[0]) for images in known[1:]
    )


def paired_difference(
    own: Sequence[Run], reference: Sequence[Run], metric: str, resamples: int = 1000, seed: int = 0
) -> Difference | None:
    """Return how much higher `metric` is, on average over a row's runs, than over the reference's.

    Scans are drawn with replacement, the same for both sides, since particles of one scan are not independent.
    The interval holds the middle `LEVEL` of the resamples: it says what another set of scans would do, while
    the deviation over seeds says what another training would do. None where the runs are not of the
    `same_pairs`, or the metric is undefined in one of them, or in all resamples.
    """
    differences = resampled_differences(own, reference, metric, resamples, seed)
    return None if differences is None else difference_of(differences)


def resampled_differences(
    own: Sequence[Run], reference: Sequence[Run], metric: str, resamples: int, seed: int = 0
) -> Weights | None:
    """Return what `paired_difference` is made of, (1 + B,): of all scans once, and of each draw of them."""
    runs = [*own, *reference]
    if not same_pairs(runs):
        return None
    tables = [run.predictions.sort_values("id", ignore_index=True) for run in runs]
    first = tables[0]
    codes, drawn = drawn_scans(first["scan"].tolist(), resamples, seed)
    ore = (first["label"] == "ore").to_numpy()
    values = [
        resampled(metric, table["p_ore"].to_numpy(np.float64), ore, run.threshold, drawn, codes)
        for run, table in zip(runs, tables, strict=True)
    ]
    return np.asarray(np.mean(values[: len(own)], axis=0) - np.mean(values[len(own) :], axis=0))


def difference_of(difference: Weights) -> Difference | None:
    """Return the first of some differences (1 + B,), and the middle `LEVEL` of the others; None if undefined."""
    if np.isnan(difference[0]) or np.isnan(difference[1:]).all():
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(difference[1:], [tail, 1 - tail])
    return Difference(float(difference[0]), float(low), float(high))
