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
        """Return the loss (B,) of each pair, at least 0.

        Args:
            logits: (B, 2), waste and ore.
            label: (B,) int64, 0 or 1.
        """


class CrossEntropy(Loss):
    """Minus the log of the label's probability.

    Args:
        smoothing: share of the label that is spread over both classes, 0 to 1.
        weight: factors of waste and ore; None means 1 and 1.
    """

    def __init__(self, smoothing: float = 0.0, weight: Sequence[float] | None = None) -> None:
        super().__init__()
        _between("smoothing", smoothing, 0, 1)
        self.smoothing = smoothing
        self.weight = _Pair("weight", weight)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Return the loss (B,) of each pair."""
        losses = F.cross_entropy(logits, label, reduction="none", label_smoothing=self.smoothing)
        return self.weight.times(losses, label)


class Focal(Loss):
    """Cross-entropy times (1 - p)^gamma, which forgets pairs that are right (Lin et al., ICCV 2017).

    Args:
        gamma: at least 0; 0 is cross-entropy.
        alpha: factors of waste and ore; None means 1 and 1.
    """

    def __init__(self, gamma: float = 2.0, alpha: Sequence[float] | None = None) -> None:
        super().__init__()
        _between("gamma", gamma, 0, 20)
        self.gamma = gamma
        self.alpha = _Pair("alpha", alpha)

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

    Args:
        q: above 0, up to 1.
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
    """Factors of waste and ore; without any, what comes is returned as it is."""

    def __init__(self, name: str, values: Sequence[float] | None) -> None:
        super().__init__()
        values = None if values is None else list(values)
        if values is not None and (len(values) != 2 or not min(values) >= 0 or not max(values) > 0):
            raise InputError(f"{name}={values}: give two numbers, of waste and of ore, e.g. [1.0, 2.0]")
        # a buffer follows the device, and is a setting, so not kept
        self.register_buffer("values", None if values is None else torch.tensor(values), persistent=False)
        self.values: Tensor | None

    def times(self, losses: Tensor, label: Tensor) -> Tensor:
        return losses if self.values is None else losses * self.values[label]


def _between(name: str, value: float, least: float, most: float) -> None:
    if isinstance(value, bool) or not least <= value <= most:
        raise InputError(f"{name}={value}: give a number from {least:g} to {most:g}")
