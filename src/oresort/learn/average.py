"""A running average of the weights, which validation, the checkpoints and thus every later use see."""

from collections import deque
from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from oresort.errors import InputError
from oresort.learn.module import OreModule


class EMA(WeightAveraging):
    """Exponential moving average of the weights, with batch-norm statistics of its own.

    Averaged weights have other activations than any that were trained, so neither the statistics of the last
    step nor their average fit them: before each validation they are measured anew, on the last `batches` of training.
    Training itself goes on with the weights as they are, also after a kill.

    At each step the share `decay` of the average stays, 0 to below 1; a run should have many times 1 / (1 - decay)
    steps. It rises to this value, as (1 + n) / (10 + n) after n steps, so that the start is forgotten.
    """

    def __init__(self, decay: float = 0.99, batches: int = 20) -> None:
        if not 0 <= decay < 1 or batches < 1:
            raise InputError(f"EMA: decay={decay}, batches={batches}: need 0 <= decay < 1, batches >= 1")
        super().__init__(use_buffers=False, avg_fn=_rising(decay))
        self.recent: deque[Any] = deque(maxlen=batches)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget the batches of the last epoch, which a resumed run has not seen."""
        self.recent.clear()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Average, and keep the batch."""
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        self.recent.append((batch["low"], batch["high"]))

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Put the average in place of the weights, with statistics of its own."""
        super().on_validation_epoch_start(trainer, pl_module)
        assert isinstance(pl_module, OreModule)
        kept = {module for part in pl_module.frozen for module in part.modules()}
        norms = [m for m in pl_module.net.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
        norms = [norm for norm in norms if norm not in kept]
        usual = [norm.momentum for norm in norms]
        for norm in norms:
            norm.train().reset_running_stats()
            norm.momentum = None  # the plain mean over all batches
        with torch.no_grad():
            for low, high in self.recent:
                pl_module(low, high)
        for norm, momentum in zip(norms, usual, strict=True):
            norm.momentum = momentum
            norm.eval()
            for name in ("running_mean", "running_var"):  # of all processes
                statistic: Tensor = getattr(norm, name)
                statistic.copy_(trainer.strategy.reduce(statistic, reduce_op="mean"))

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Save the average as the model; temperature and threshold are those that were chosen for it."""
        chosen = {name: checkpoint["state_dict"][name] for name in ("temperature", "threshold")}
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        checkpoint["state_dict"] |= chosen


def _rising(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    def average(averaged: Tensor, current: Tensor, n: Tensor | int) -> Tensor:
        stays = torch.as_tensor((1 + n) / (10 + n), device=averaged.device).clamp_max(decay)
        return torch.lerp(current, averaged, stays.to(averaged.dtype))

    return average
