"""Losses of a pair: logits (B, 2) and labels (B,) -> one loss per pair (B,); the step takes their mean."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oresort.errors import InputError


class Loss(nn.Module, ABC):
    """What a pair's logits cost."""

    @abstractmethod
    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the loss (B,) of each pair, at least 0; logits (B, 2) of waste and ore, labels (B,) int64, 0 or 1."""


class CrossEntropy(Loss):
    """Minus the log of the label's probability, times the `weight` of waste or ore.

    `smoothing` is the share of the label that is spread over both classes, 0 to 1.
    """

    def __init__(self, smoothing: float = 0.0, weight: Sequence[float] | None = None) -> None:
        super().__init__()
        _between("smoothing", smoothing, 0, 1)
        self.smoothing, self.weight = smoothing, _Pair("weight", weight)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the loss (B,) of each pair."""
        losses = F.cross_entropy(logits, label, reduction="none", label_smoothing=self.smoothing)
        return self.weight.times(losses, label)


class Focal(Loss):
    """Cross-entropy times (1 - p)^gamma, which forgets pairs that are right (Lin et al., ICCV 2017).

    `gamma` is 0 (cross-entropy) to 20, `alpha` the factors of waste and ore.
    """

    def __init__(self, gamma: float = 2.0, alpha: Sequence[float] | None = None) -> None:
        super().__init__()
        _between("gamma", gamma, 0, 20)
        self.gamma, self.alpha = gamma, _Pair("alpha", alpha)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the loss (B,) of each pair."""
        log_p = -F.cross_entropy(logits, label, reduction="none")
        # 1 - p by expm1, whose gradient is right near p = 1; clamped, since its power has none at 0
        missing = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny)
        return self.alpha.times(-(missing**self.gamma) * log_p, label)


class GeneralisedCrossEntropy(Loss):
    """(1 - p^q) / q, which gives up on labels that look wrong (Zhang and Sabuncu, NeurIPS 2018).

    Labels by lot are wrong for a share of the particles. Its limit at q = 0 is cross-entropy; at q = 1 it is
    the mean absolute error.
    """

    def __init__(self, q: float = 0.7) -> None:
        super().__init__()
        _between("q", q, 1e-6, 1)
        self.q = q

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the loss (B,) of each pair."""
        log_p = -F.cross_entropy(logits, label, reduction="none")
        return -torch.expm1(self.q * log_p) / self.q


class _Pair(nn.Module):
    """Factors of waste and ore, 1 and 1 unless given."""

    values: Tensor

    def __init__(self, name: str, values: Sequence[float] | None) -> None:
        super().__init__()
        values = [1.0, 1.0] if values is None else list(values)
        if len(values) != 2 or not min(values) >= 0 or not max(values) > 0:
            raise InputError(f"{name}={values}: give two numbers, of waste and of ore, e.g. [1.0, 2.0]")
        # a buffer follows the device, and is a setting, so not kept
        self.register_buffer("values", torch.tensor(values), persistent=False)

    def times(self, losses: Tensor, label: Tensor) -> Tensor:
        return losses * self.values[label]


def _between(name: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name}={value}: give a number from {least:g} to {most:g}")
