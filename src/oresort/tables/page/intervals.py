"""Figures of one model on one set of pairs, each with what another set of scans might have given."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from oresort.sorting.resample import FEWEST, drawn_scans, interval
from oresort.tables.bootstrap import resampled

RESAMPLES = 1_000


def figures(
    pairs: pd.DataFrame, threshold: float, metrics: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Return each of `metrics` of `weighted_metric` as `<metric>`, and the ends of its interval as `_low` and `_high`.

    `pairs` are `scan, label (ore|waste), p_ore`. Scans are drawn with replacement, since particles of one are not
    independent, see `oresort.sorting.resample.interval`. What is undefined, or has no interval, is None.
    """
    codes, drawn = drawn_scans(pairs["scan"].tolist(), resamples, seed)  # (N,), (1 + B, S)
    p_ore, ore = pairs["p_ore"].to_numpy(np.float64), (pairs["label"] == "ore").to_numpy()
    drawn = drawn if drawn.shape[1] >= FEWEST else drawn[:1]  # no interval anyway
    found: dict[str, Any] = {}
    for metric in metrics:
        known = interval(resampled(metric, p_ore, ore, threshold, drawn, codes), drawn.shape[1])
        ends = zip(("", "_low", "_high"), known, strict=True)
        found |= {f"{metric}{end}": value if math.isfinite(value) else None for end, value in ends}
    return found
