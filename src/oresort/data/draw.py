"""Whole scans, drawn to sides of given sizes: what a drawn split and folds have in common."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.data.leaks import one_name
from oresort.files.layout import CLASSES

_Counts = NDArray[np.int64]  # pairs of each class


def drawn_sides(
    frame: pd.DataFrame, shares: Sequence[float], seed: int | Sequence[int], least: int = 1
) -> NDArray[np.int64]:
    """Return the number of the side (N,) of each pair: whole scans, near `shares`, stratified by class.

    Scans are taken in random order, large ones first, each to the side whose share of its classes is furthest from
    full: greedy, and within one scan's size of the wanted counts, but that on each side `least` scans hold each class
    wherever there are enough. The order of the manifest's rows does not matter.
    """
    scans = one_name(frame["scan"])
    table = pd.crosstab(scans, frame["label"]).reindex(columns=range(len(CLASSES)), fill_value=0)
    table = table.iloc[np.random.default_rng(seed).permutation(len(table))]
    # large ones first, small ones even out; stable, so scans of one size stay in drawn order
    table = table.iloc[np.argsort(-table.sum(axis=1).to_numpy(), kind="stable")]
    counts = dict(zip(table.index, table.to_numpy(), strict=True))
    totals = table.sum(axis=0).to_numpy()
    wanted = np.outer(shares, totals).astype(np.float64)  # (sides, classes)
    have = np.zeros_like(wanted)
    side_of = {}
    for scan, group in counts.items():
        # the change of the squared miss, each class measured by its own total
        change = (have + group - wanted) ** 2 - (have - wanted) ** 2  # (sides, classes)
        side_of[scan] = int((change / np.maximum(wanted, 1) / np.maximum(totals, 1)).sum(axis=1).argmin())
        have[side_of[scan]] += group
    _fill_gaps(side_of, counts, len(shares), least)
    return np.array([side_of[scan] for scan in scans], np.int64)


def _fill_gaps(side_of: dict[str, int], counts: dict[str, _Counts], sides: int, least: int) -> None:
    # few large scans can leave a side without a class: give it the smallest scans that other sides can spare
    def holding(side: int) -> _Counts:
        """Return how many of a side's scans hold each class."""
        own = [counts[scan] for scan, at in side_of.items() if at == side]
        return np.asarray(np.count_nonzero(np.array(own).reshape(-1, len(CLASSES)), axis=0), np.int64)

    for label in range(len(CLASSES)):
        for side in range(sides):
            while holding(side)[label] < least:
                can_spare = [holding(other) > least for other in range(sides)]
                spare = [s for s, d in side_of.items() if counts[s][label] and can_spare[d][counts[s] > 0].all()]
                if not spare:
                    break
                side_of[min(spare, key=lambda scan: counts[scan].sum())] = side
