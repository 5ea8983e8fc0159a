"""How many scans a dataset needs, which class, lot and split each belongs to, and how particles get their label."""

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oresort.errors import InputError

ORE_SHARE = 0.6174  # in the paper's dataset
_VAL, _TRAIN = 15, 70  # percent, rounded down; test has the rest. For 31,057 pairs these are the paper's six counts
_PER_SCAN = 16
_SCANS_PER_LOT = 4
_FEWEST = 12


@dataclass(frozen=True)
class Labelling:
    """Rule of the labels.

    `batch`: the class of the lot; a share `wrong` of an ore lot is barren rock and of a waste lot mineralised, as when
    whole lots are labelled. `assay`: ore from `cutoff` wt % Cu on, read with a relative lognormal error `assay_noise`;
    a share `mineralised` of the feed is mineralised.
    """

    mode: str = "batch"
    wrong: float = 0.08
    cutoff: float = 0.10
    assay_noise: float = 0.10
    mineralised: float = 0.50

    def __post_init__(self) -> None:
        if self.mode not in ("batch", "assay"):
            raise InputError(f"labels={self.mode!r} is unknown; choose from batch, assay")
        for name in ("wrong", "mineralised"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name):g} is no share; give a number from 0 to 1")
        # so written, also nan is refused
        if not (0 < self.cutoff < 100 and 0 <= self.assay_noise < 10):
            given = f"cutoff={self.cutoff:g} assay_noise={self.assay_noise:g}"
            raise InputError(f"{given}: give a cutoff from 0 to 100 wt % Cu and a relative error from 0 to 10")

    def mineralised_share(self, lot: str | None) -> float:
        """Return the share of mineralised particles in a lot of a class, or in the feed if there are no lots."""
        return {None: self.mineralised, "ore": 1.0 - self.wrong, "waste": self.wrong}[lot]

    def assay(self, rng: np.random.Generator, grade: float) -> str:
        """Return `ore` or `waste` by an assay of `grade` wt % Cu."""
        return "ore" if grade * float(np.exp(self.assay_noise * rng.standard_normal())) >= self.cutoff else "waste"


class ScanPlan(NamedTuple):
    """One scan to make: its number, the lot's class (None where labels come by assay), lot, split, particles."""

    number: int
    label: str | None
    batch: int
    split: str
    size: int


def split_counts(pairs: int) -> dict[tuple[str, str], int]:
    """Return how many pairs go to each (split, label), at least one everywhere.

    InputError for fewer than 12 pairs: they cannot fill three splits with two classes each.
    """
    if pairs < _FEWEST:
        raise InputError(f"pairs={pairs}: three splits of two classes need at least {_FEWEST}; ask for more pairs")
    ore = int(np.clip(round(pairs * ORE_SHARE), 3, pairs - 3))
    counts: dict[tuple[str, str], int] = {}
    for label, total in (("ore", ore), ("waste", pairs - ore)):
        val = max(total * _VAL // 100, 1)
        train = min(total * _TRAIN // 100, total - val - 1)
        counts |= {("train", label): train, ("val", label): val, ("test", label): total - train - val}
    return counts


def plan_scans(counts: dict[tuple[str, str], int], by_lot: bool, rng: np.random.Generator) -> list[ScanPlan]:
    """Share out pairs over scans; scans of one split and class are grouped into lots of a few.

    With `by_lot` a scan holds one class only, as the paper's folders do; otherwise its label is None and the two
    classes' counts are pooled per split. Scan numbers are shuffled, so that they tell nothing.
    """
    pooled: Counter[tuple[str, str | None]] = Counter()
    for (split, label), total in counts.items():
        pooled[split, label if by_lot else None] += total
    per_scan = int(np.clip(pooled.total() // 6, 1, _PER_SCAN))
    groups = []
    for (split, own), total in pooled.items():
        scans = -(-total // per_scan)
        sizes = [total // scans + (k < total % scans) for k in range(scans)]
        groups += [((split, own, k // _SCANS_PER_LOT), size) for k, size in enumerate(sizes)]
    lots = list(dict.fromkeys(lot for lot, _ in groups))
    batch = dict(zip(lots, (1000 + rng.permutation(len(lots))).tolist(), strict=True))
    numbers = (1 + rng.permutation(len(groups))).tolist()
    return [
        ScanPlan(number, lot[1], batch[lot], lot[0], size) for number, (lot, size) in zip(numbers, groups, strict=True)
    ]
