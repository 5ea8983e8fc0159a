"""What a model has seen in training, in figures that travel with it: a belt that looks otherwise is named by `sort`."""

from copy import deepcopy
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from oresort.data.cache import read_counts
from oresort.data.datamodule import OreDataModule
from oresort.data.pairs import Pairs
from oresort.files.dataset import read_ranges
from oresort.sorting.drift import describe_pairs, pair_figures

_MOST = 1_000  # pairs that are measured, evenly over all: they know a median to a few per cent of a deviation


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
    frame, root = data.frame, data.root
    frame = frame[frame["split"] == "train"]
    rows = frame.iloc[np.unique(np.linspace(0, len(frame) - 1, min(_MOST, len(frame))).astype(int))]
    pairs = zip(rows["low"], rows["high"], rows["air"], rows["background"], strict=True)
    figures = [pair_figures(*read_counts(root, low, high), air, background) for low, high, air, background in pairs]
    return {"scans": read_ranges(root), "pairs": describe_pairs(figures, rows["scan"].tolist())}
