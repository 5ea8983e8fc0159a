"""What a page draws of probabilities and labels: curves, bins and counts, in plain lists."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.sorting.decide import is_ore

_POINTS = 400  # of a curve: more than a picture shows
_BINS = 15  # of equal width, as `ece` has them
_BARS = 40

Vector = NDArray[np.float64]


def confusion(pairs: pd.DataFrame, threshold: float) -> dict[str, int]:
    """Count `label (ore|waste), p_ore` by what they are and what is done with them."""
    ore, kept = (pairs["label"] == "ore").to_numpy(), is_ore(pairs["p_ore"].to_numpy(), threshold)
    parts = {"ore_kept": ore & kept, "ore_lost": ore & ~kept, "waste_kept": ~ore & kept, "waste_rejected": ~ore & ~kept}
    return {name: int(part.sum()) for name, part in parts.items()}


def curves(pairs: pd.DataFrame) -> dict[str, dict[str, list[float]]]:
    """Return `roc` and `precision_recall` as lists of equal length; {} of one class alone.

    Each has `threshold`, from the highest probability down, at which that point is reached. Of more than `_POINTS`
    they are thinned, and both ends stay.
    """
    ore = (pairs["label"] == "ore").to_numpy()
    if ore.all() or not ore.any():
        return {}
    p_ore = pairs["p_ore"].to_numpy(np.float64)
    order = np.argsort(-p_ore, kind="stable")
    p_ore, ore = p_ore[order], ore[order]
    last = np.append(np.flatnonzero(np.diff(p_ore)), len(ore) - 1)  # of each group of equal probabilities
    kept, right = last + 1, np.cumsum(ore)[last]  # (G,)
    last = last[np.unique(np.linspace(0, len(last) - 1, _POINTS).astype(int))] if len(last) > _POINTS else last
    chosen = np.searchsorted(kept, last + 1)
    kept, right = kept[chosen], right[chosen]
    recall, wrong = right / ore.sum(), (kept - right) / (~ore).sum()
    thresholds = p_ore[last]
    return {
        "roc": {
            "threshold": [1.0, *thresholds.tolist()],
            "false_positive_rate": [0.0, *wrong.tolist()],
            "true_positive_rate": [0.0, *recall.tolist()],
        },
        "precision_recall": {
            "threshold": thresholds.tolist(),
            "recall": recall.tolist(),
            "precision": (right / kept).tolist(),
        },
    }


def reliability(pairs: pd.DataFrame) -> list[dict[str, float]]:
    """Return the ends of each of 15 equal bins with pairs in it, `pairs`, their mean `p_ore`, and `ore`, its share."""
    p_ore, ore = pairs["p_ore"].to_numpy(np.float64), (pairs["label"] == "ore").to_numpy()
    place = np.minimum((p_ore * _BINS).astype(int), _BINS - 1)
    found = []
    for bin_ in np.unique(place):
        own = place == bin_
        row = {"from": bin_ / _BINS, "to": (bin_ + 1) / _BINS, "pairs": int(own.sum())}
        found.append({**row, "p_ore": float(p_ore[own].mean()), "ore": float(ore[own].mean())})
    return found


def histogram(p_ore: Vector, groups: dict[str, NDArray[np.bool_]]) -> dict[str, list[float]]:
    """Return `edges` of equal bins from 0 to 1, and how many of each group lie in each."""
    edges = np.linspace(0, 1, _BARS + 1)
    return {"edges": edges.tolist()} | {
        name: np.histogram(p_ore[own], edges)[0].tolist() for name, own in groups.items()
    }
