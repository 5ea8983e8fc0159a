"""Figures of merit of ore probabilities, and the decision threshold."""

import math

import torch
from torch import Tensor
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_average_precision,
    binary_calibration_error,
    binary_matthews_corrcoef,
)

from oresort.errors import InputError

METRICS = (
    "auroc",
    "f1",
    "recall",
    "precision",
    "accuracy",
    "balanced_accuracy",
    "mcc",
    "average_precision",
    "brier",
    "ece",
)


def binary_metrics(p_ore: Tensor, label: Tensor, threshold: float) -> dict[str, float]:
    """Return all of `METRICS`; ore (1) is the positive class, a pair is called ore at p_ore >= threshold.

    What is undefined is NaN: AUROC, balanced accuracy and MCC of one class only, precision if nothing was
    called ore. `ece` is the expected calibration error in 15 equal bins (Guo et al., ICML 2017).

    Args:
        p_ore: Probabilities (N,) of ore, 0 to 1.
        label: int64 (N,), 0 or 1.
        threshold: 0 to 1.
    """
    p_ore, label = p_ore.detach().float().cpu(), label.cpu()
    called = p_ore >= threshold
    ore = label == 1
    tp, fp = int((called & ore).sum()), int((called & ~ore).sum())
    fn, tn = int((~called & ore).sum()), int((~called & ~ore).sum())
    recall, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    both = bool(ore.any()) and not bool(ore.all())
    return {
        "auroc": float(binary_auroc(p_ore, label)) if both else math.nan,
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "recall": recall,
        "precision": _ratio(tp, tp + fp),
        "accuracy": _ratio(tp + tn, len(label)),
        "balanced_accuracy": (recall + specificity) / 2,
        "mcc": float(binary_matthews_corrcoef(called.long(), label)) if both else math.nan,
        "average_precision": float(binary_average_precision(p_ore, label)) if ore.any() else math.nan,
        "brier": float(((p_ore - label) ** 2).mean()) if len(label) else math.nan,
        "ece": float(binary_calibration_error(p_ore, label, n_bins=15)) if len(label) else math.nan,
    }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


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
