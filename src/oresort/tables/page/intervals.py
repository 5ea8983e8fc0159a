"""Figures of one model on one set of pairs, each with what another set of scans might have given."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.sorting.resample import FEWEST, drawn_scans, interval
from oresort.tables.bootstrap import Weights, weighted_metric

RESAMPLES = 1_000

_AT_ONCE = 2_000_000  # weights that are held at a time


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
        known = interval(_all(metric, p_ore, ore, threshold, drawn, codes), drawn.shape[1])
        ends = zip(("", "_low", "_high"), known, strict=True)
        found |= {f"{metric}{end}": value if math.isfinite(value) else None for end, value in ends}
    return found


def _all(
    metric: str,
    p_ore: Weights,
    ore: NDArray[np.bool_],
    threshold: float,
    drawn: Weights,
    codes: NDArray[np.intp],
) -> Weights:
    step = max(1, _AT_ONCE // len(codes))
    parts = [
        weighted_metric(metric, p_ore, ore, threshold, drawn[start : start + step][:, codes])
        for start in range(0, len(drawn), step)
    ]
    return np.concatenate(parts)  # (1 + B,)
