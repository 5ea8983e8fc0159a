"""Means over mines, and how sure their differences are."""

from collections.abc import Mapping, Sequence

import numpy as np

from oresort.errors import InputError
from oresort.sorting.resample import LEVEL, drawn_scans
from oresort.tables.bootstrap import Difference, Run, Weights, same_pairs, weighted_metric

RESAMPLES = 1000


def difference(own: Mapping[int, Sequence[Run]], reference: Mapping[int, Sequence[Run]]) -> Difference:
    """Return how much higher the AUROC is than the reference's, the mean over mines, with its interval.

    In each mine scans are drawn with replacement, the same for both sides, as `paired_difference` does in one.

    Raises:
        InputError: runs of a mine predicted other pairs than those that they are compared with.
    """
    found = [_mine(mine, own[mine], reference[mine]) for mine in sorted(own)]  # (1 + RESAMPLES,) each
    mean = np.mean(found, axis=0)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(mean[1:], [tail, 1 - tail])
    return Difference(float(mean[0]), float(low), float(high))


def _mine(mine: int, own: Sequence[Run], reference: Sequence[Run]) -> Weights:
    if not same_pairs([*own, *reference]):
        raise InputError(f"mine {mine}: its runs predicted other pairs; remove its runs and start again")
    tables = [run.predictions.sort_values("id", ignore_index=True) for run in (*own, *reference)]
    codes, drawn = drawn_scans(tables[0]["scan"].tolist(), RESAMPLES, mine)
    weights = drawn[:, codes]  # row 0: all pairs once
    ore = (tables[0]["label"] == "ore").to_numpy()
    values = [weighted_metric("auroc", t["p_ore"].to_numpy(np.float64), ore, 0.5, weights) for t in tables]
    return np.asarray(np.mean(values[: len(own)], axis=0) - np.mean(values[len(own) :], axis=0))
