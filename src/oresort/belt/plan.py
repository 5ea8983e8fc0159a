"""How many scans a dataset needs, and which class, lot and split each belongs to."""

from typing import NamedTuple

import numpy as np

from oresort.errors import InputError

ORE_SHARE = 0.6174
"""Share of ore in the paper's dataset."""

SPLIT_PERCENT = {"train": 70, "val": 15}
"""Shares of the splits, rounded down; test has the rest. For 31,057 pairs these are the paper's six counts."""

_PER_SCAN = 16
_SCANS_PER_LOT = 4
_FEWEST = 12


class ScanPlan(NamedTuple):
    """One scan to make: its number, the lot's class (None where labels come by assay), lot, split, particles."""

    number: int
    label: str | None
    batch: int
    split: str
    size: int


def split_counts(pairs: int, ore_share: float = ORE_SHARE) -> dict[tuple[str, str], int]:
    """Return how many pairs go to each (split, label), at least one everywhere.

    InputError for fewer than 12 pairs: they cannot fill three splits with two classes each.
    """
    if pairs < _FEWEST:
        raise InputError(f"pairs={pairs}: three splits of two classes need at least {_FEWEST}; ask for more pairs")
    ore = int(np.clip(round(pairs * ore_share), 3, pairs - 3))
    counts = {}
    for label, total in (("ore", ore), ("waste", pairs - ore)):
        val = max(total * SPLIT_PERCENT["val"] // 100, 1)
        train = min(total * SPLIT_PERCENT["train"] // 100, total - val - 1)
        split = {"train": train, "val": val, "test": total - train - val}
        counts.update({(name, label): n for name, n in split.items()})
    return counts


def plan_scans(counts: dict[tuple[str, str], int], by_lot: bool, rng: np.random.Generator) -> list[ScanPlan]:
    """Share out pairs over scans; scans of one split and class are grouped into lots of a few.

    With `by_lot` a scan holds one class only, as the paper's folders do; otherwise its label is None and the
    two classes' counts are pooled per split. Scan numbers are shuffled, so that they tell nothing.
    """
    if not by_lot:
        pooled: dict[tuple[str, str], int] = {}
        for (split, _), n in counts.items():
            pooled[split, ""] = pooled.get((split, ""), 0) + n
        counts = pooled
    per_scan = int(np.clip(sum(counts.values()) // 6, 1, _PER_SCAN))
    groups = []
    for (split, label), total in counts.items():
        scans = -(-total // per_scan)
        sizes = [total // scans + (k < total % scans) for k in range(scans)]
        groups += [(split, label, lot // _SCANS_PER_LOT, size) for lot, size in enumerate(sizes)]
    lots = list(dict.fromkeys(group[:3] for group in groups))
    batches = 1000 + rng.permutation(len(lots))
    batch = dict(zip(lots, batches.tolist(), strict=True))
    numbers = 1 + rng.permutation(len(groups))
    return [
        ScanPlan(number, label or None, batch[split, label, lot], split, size)
        for number, (split, label, lot, size) in zip(numbers.tolist(), groups, strict=True)
    ]
