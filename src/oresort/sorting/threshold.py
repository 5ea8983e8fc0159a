"""The decision threshold, chosen on validation data."""

import numpy as np
from numpy.typing import NDArray

from oresort.console.ranges import share, shown
from oresort.errors import InputError

THRESHOLD = share("balanced_accuracy", "f1")
"""What may be given as a threshold: the number, or the rule by which it is chosen."""


def choose_threshold(rule: str | float, p_ore: NDArray[np.floating], label: NDArray[np.integer]) -> float:
    """Return the threshold, 0 to 1, that `rule` picks on validation data.

    A number is taken as it is; `balanced_accuracy` and `f1` pick the cut that makes that figure largest
    (midway between two neighbouring probabilities, the one nearest 0.5 among equals). Of one class alone
    nothing can be chosen: 0.5. `p_ore` are probabilities (N,), `label` (N,) is 1 for ore.

    Raises:
        InputError: a number outside 0 to 1, or an unknown rule.
    """
    if not THRESHOLD.allows(rule):
        raise InputError(f"threshold={shown(rule)}: {THRESHOLD}")
    if not isinstance(rule, str):
        return float(rule)
    order = np.argsort(p_ore, kind="stable")
    p, ore = np.asarray(p_ore, np.float64)[order], np.asarray(label)[order] == 1
    count, good = len(p), int(ore.sum())
    if good in (0, count):
        return 0.5
    called = count - np.arange(count)  # cut k calls the pairs from k on ore
    tp = good - np.concatenate(([0], ore.cumsum()[:-1]))  # (N,)
    score = tp / good - (called - tp) / (count - good) if rule == "balanced_accuracy" else 2 * tp / (called + good)
    below = np.concatenate(([-1.0], p[:-1]))
    score[p == below] = -np.inf  # equal probabilities cannot be parted
    cut = (p + below.clip(0.0)) / 2
    best = cut[score >= score.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])
