"""What a model has seen in training, in figures that travel with it: a belt that looks otherwise is named by `sort`."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from oresort.data.counts import read_counts, rows_of
from oresort.data.datamodule import OreDataModule
from oresort.data.looks import sampled
from oresort.data.pairs import Pairs
from oresort.files.dataset import read_ranges
from oresort.sorting.drift import PairFigures, compare, describe_pairs, pair_figures

_MOST = 1_000  # pairs that are measured, evenly over all: they know a median to a few per cent of a deviation
_FEW = 200  # of another dataset, beside these


_known: WeakKeyDictionary[Pairs, dict[str, Any]] = WeakKeyDictionary()  # a sweep's next job has the same pairs


def seen_in(data: OreDataModule) -> dict[str, Any]:
    """Return `scans`, what `dataset.json` says of them, and `pairs`, measured on the training pairs.

    Raises:
        InputError: an image that cannot be used.
    """
    if data.pairs not in _known:
        _known[data.pairs] = _measured(data)
    return deepcopy(_known[data.pairs])


def _measured(data: OreDataModule) -> dict[str, Any]:
    rows = sampled(data.frame[data.frame["split"] == "train"], _MOST)
    return {"scans": read_ranges(data.root), "pairs": describe_pairs(_figures(rows, data.root), rows["scan"].tolist())}


def unlike(seen: Mapping[str, Any], data: OreDataModule) -> list[str]:
    """Return in words what of a dataset's pairs and scans is not as in training, by a sample.

    A sample of all sides, since those of a small dataset may differ by chance. Answers are not compared: which share of
    a dataset's pairs is ore is whatever its maker chose.

    Raises:
        InputError: an image that cannot be used.
    """
    rows = sampled(data.frame, _FEW)
    scans = {name: known["median"] for name, known in read_ranges(data.root).items()}
    found = compare(seen, scans, _figures(rows, data.root), np.zeros(0), rows["scan"].nunique())
    return [one.alarm for one in found if one.alarm]


def _figures(rows: pd.DataFrame, root: Path) -> list[PairFigures]:
    return [pair_figures(*read_counts(root, row), row.air, row.background) for row in rows_of(rows)]
