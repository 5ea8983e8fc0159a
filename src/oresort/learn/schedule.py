"""The optimiser and the learning rate over a run."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn, optim
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from oresort.errors import InputError


@dataclass(frozen=True)
class Schedule:
    """Adam with a linear warm-up and a cosine decay, stepped every batch.

    The warm-up is a share of the run rather than a count of epochs, so that a short run goes through the
    same shape: the paper's 5 of 200 epochs are 0.025.

    Args:
        lr: Highest learning rate.
        start_lr: Learning rate of the first step.
        final_lr: Learning rate of the last step.
        warmup: Share of the run's steps that warm up, 0 to 1.
        weight_decay: Decoupled weight decay (AdamW); 0 is the paper's Adam.
    """

    lr: float = 3e-4
    start_lr: float = 3e-5
    final_lr: float = 3e-6
    warmup: float = 0.025
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.start_lr <= self.lr and 0 <= self.final_lr <= self.lr):
            raise InputError("optim: need 0 < start_lr <= lr and 0 <= final_lr <= lr; change optim.*")
        if not 0 <= self.warmup < 1 or self.weight_decay < 0:
            raise InputError("optim: need 0 <= warmup < 1 and weight_decay >= 0; change optim.*")

    def build(self, parameters: Iterable[nn.Parameter], steps: int) -> tuple[optim.Optimizer, LRScheduler]:
        """Return the optimiser and its scheduler for a run of `steps` optimiser steps."""
        # with no decay AdamW is Adam to the bit
        optimizer = optim.AdamW(parameters, lr=self.lr, weight_decay=self.weight_decay)
        warm = round(self.warmup * steps)
        cosine = CosineAnnealingLR(optimizer, T_max=max(1, steps - warm), eta_min=self.final_lr)
        if warm == 0:
            return optimizer, cosine
        rise = LinearLR(optimizer, start_factor=self.start_lr / self.lr, total_iters=warm)
        return optimizer, SequentialLR(optimizer, [rise, cosine], milestones=[warm])
