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

from oresort.sorting import METRICS
from oresort.sorting.decide import is_ore
from oresort.sorting.probability import are_probabilities


def binary_metrics(p_ore: Tensor, label: Tensor, threshold: float) -> dict[str, float]:
    """Return all of `METRICS`; ore (1) is the positive class, `is_ore` says what is called ore.

    What is undefined is NaN: AUROC, balanced accuracy and MCC of one class only, precision if nothing was
    called ore, and all where `p_ore` are no probabilities. `ece` is the expected calibration error in 15 equal bins
    (Guo et al., ICML 2017).
    `p_ore` are probabilities (N,), `label` int64 (N,), 0 or 1.
    """
    p_ore, label = p_ore.detach().float().cpu().contiguous(), label.cpu()
    if not are_probabilities(p_ore.numpy()):
        return dict.fromkeys(METRICS, math.nan)
    called = torch.from_numpy(is_ore(p_ore.numpy(), threshold))
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
