"""The temperature by which a model's logits are divided, so that its probabilities mean what they say."""

import math

import numpy as np
from numpy.typing import NDArray

from oresort.console.ranges import Rule, shown
from oresort.errors import InputError

LEAST, MOST = 0.05, 20.0

TEMPERATURE = Rule(LEAST, MOST, others=("fitted",))
"""What may be given as a temperature: the number, or the rule by which it is chosen."""


def choose_temperature(rule: str | float, logits: NDArray[np.floating], label: NDArray[np.integer]) -> float:
    """Return the temperature, 0.05 to 20, that `rule` picks on validation data.

    A number is taken as it is. `fitted` picks the one of the least log loss (Guo et al., ICML 2017), with the targets
    of Platt (1999), (n + 1) / (n + 2) of n pairs of ore and 1 / (n + 2) of waste: where few pairs are parted without a
    fault, nothing is certain all the same. Of one class alone, or of answers that are
    all undecided, nothing can be chosen: 1. `logits` are (N, 2), waste and
    ore, `label` (N,) is 1 for ore.

    Raises:
        InputError: a number outside the range, an unknown rule, or logits that are not finite.
    """
    if not TEMPERATURE.allows(rule):
        raise InputError(f"temperature={shown(rule)}: {TEMPERATURE}")
    if not isinstance(rule, str):
        return float(rule)
    if not np.isfinite(logits).all():
        raise InputError("temperature=fitted: the model answers with values that are not finite; lower optim.lr")
    margin, ore = np.diff(np.asarray(logits, np.float64))[:, 0], np.asarray(label) == 1  # (N,)
    good, bad = int(ore.sum()), int((~ore).sum())
    if not good or not bad or not margin.any():
        return 1.0
    # who only reads a temperature does without
    from scipy.optimize import brentq
    from scipy.special import expit

    target = np.where(ore, (good + 1) / (good + 2), 1 / (bad + 2))  # (N,)

    def slope(log_t: float) -> float:
        # of the log loss by 1 / t, in which it is convex
        return float(((expit(margin * math.exp(-log_t)) - target) * margin).mean())

    ends = math.log(LEAST), math.log(MOST)
    if slope(ends[0]) <= 0:
        return LEAST
    # a model that is no better than chance, or worse, is to say so
    return MOST if slope(ends[1]) >= 0 else math.exp(brentq(slope, *ends))


def check_temperature(value: float, what: str = "temperature") -> float:
    """Return a temperature once it is known to be a number of the range; `what` names the key or file it is from.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not LEAST <= value <= MOST:
        raise InputError(f"{what}={value}: not a temperature; give a number from {LEAST:g} to {MOST:g}")
    return float(value)
