"""The decision threshold, chosen on validation data."""

import numpy as np
from numpy.typing import NDArray

from oresort.console.ranges import Rule, share, shown
from oresort.errors import InputError
from oresort.sorting.operating import OF_LABELS

_BY_LABELS = share(*OF_LABELS)


def choose_threshold(
    rule: str | float, p_ore: NDArray[np.floating], label: NDArray[np.integer], lost_ore: float = 1.0
) -> float:
    """Return the threshold, 0 to 1, that `rule` picks on validation data.

    A number is taken as it is; `balanced_accuracy` and `f1` pick the cut that makes that figure largest, `youden` the
    share of ore kept less the share of waste kept, at the same cut as the first; `cost` makes smallest what is lost, if
    an ore particle thrown out costs `lost_ore` times what a waste particle kept does. Cuts lie midway between two
    neighbouring probabilities; of equals the one nearest 0.5 is taken. Of one class alone nothing can be chosen: 0.5.
    `p_ore` are probabilities (N,), `label` (N,) is 1 for ore.

    Raises:
        InputError: a number outside 0 to 1, or a rule that is unknown or asks for more than classes.
    """
    known: Rule = _BY_LABELS
    if not known.allows(rule):
        raise InputError(f"threshold={shown(rule)}: {known}")
    if not isinstance(rule, str):
        return float(rule)
    answers = np.asarray(p_ore, np.float32)  # as `is_ore` compares them
    order = np.argsort(answers, kind="stable")
    p, ore = answers[order].astype(np.float64), np.asarray(label)[order] == 1
    count, good = len(p), int(ore.sum())
    if good in (0, count):
        return 0.5
    called = count - np.arange(count)  # cut k calls the pairs from k on ore
    tp = good - np.concatenate(([0], ore.cumsum()[:-1]))  # (N,)
    if rule == "f1":
        score = 2 * tp / (called + good)
    elif rule == "cost":
        score = (lost_ore * tp - (called - tp)) / count
    else:
        score = tp / good - (called - tp) / (count - good)
    below = np.concatenate(([-1.0], p[:-1]))
    score[p == below] = -np.inf  # equal probabilities cannot be parted
    cut = (p + below.clip(0.0)) / 2
    # midway between neighbours of float32, as a model gives that is sure of many, may be rounded to the lower one
    cut = np.where(cut.astype(np.float32) > below, cut, p)
    if rule == "cost" and p[-1] < 1:
        # where ore is rare or cheap, nothing is worth keeping
        score, cut = np.append(score, 0.0), np.append(cut, 1.0)
    best = cut[score >= score.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])
