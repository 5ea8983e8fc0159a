"""The decision threshold, chosen on validation data."""

import math

import torch
from torch import Tensor

from oresort.errors import InputError


def choose_threshold(rule: str | float, p_ore: Tensor, label: Tensor) -> float:
    """Return the threshold that `rule` picks on validation data.

    A number is taken as it is; `balanced_accuracy` and `f1` pick the cut that makes that figure largest
    (midway between two neighbouring probabilities, the one nearest 0.5 among equals).

    Raises:
        InputError: A number outside 0 to 1, or an unknown rule.
    """
    if not isinstance(rule, str):
        if not 0.0 <= rule <= 1.0:
            raise InputError(f"threshold={rule}: not a probability; give a number from 0 to 1 or a rule")
        return float(rule)
    if rule not in ("balanced_accuracy", "f1"):
        raise InputError(f"threshold={rule}: unknown; known are a number, balanced_accuracy, f1")
    p, order = p_ore.detach().double().cpu().sort()
    ore = (label.cpu()[order] == 1).double()
    if len(p) == 0 or ore.sum() in (0, len(p)):
        return 0.5
    # cut k calls the pairs from k on ore
    tp = ore.sum() - torch.cat((ore.new_zeros(1), ore.cumsum(0)))[:-1]
    called = torch.arange(len(p), 0, -1, dtype=torch.float64)
    recall, false = tp / ore.sum(), (called - tp) / (len(p) - ore.sum())
    score = recall - false if rule == "balanced_accuracy" else 2 * tp / (called + ore.sum())
    below = torch.cat((p.new_full((1,), -1.0), p[:-1]))
    cut = (p + below.clamp_min(0.0)) / 2
    cut[p == below] = -math.inf  # equal probabilities cannot be parted
    score[p == below] = -math.inf
    best = cut[score >= score.max() - 1e-12]
    return float(best[(best - 0.5).abs().argmin()])
