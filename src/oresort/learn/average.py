"""A running average of the weights, which validation, the checkpoints and thus every later use see."""

from collections import deque
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from oresort.data.blocks import Block
from oresort.errors import InputError
from oresort.learn.each_step import EachStep
from oresort.learn.module import OreModule


class EMA(WeightAveraging, EachStep):
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
        super().__init__(use_buffers=False)
        self.decay, self.batches = decay, batches
        self.recent: deque[tuple[Tensor, Tensor]] = deque(maxlen=batches)  # of steps that Lightning takes
        self.ring = torch.zeros(0)  # (batches, 2, B, C, S, S) of steps in blocks, in the place of the oldest
        self.place = torch.zeros(1, dtype=torch.int64)  # steps of this epoch that are in the ring or were

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Follow the module to its device, where it is not yet when Lightning copies it."""
        if self._average_model is not None:
            self._average_model.to(pl_module.device)
        self.ring, self.place = torch.zeros(0), self.place.to(pl_module.device)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget the batches of the last epoch, which a resumed run has not seen."""
        self.recent.clear()
        self.place.zero_()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Average, and keep the batch."""
        if not isinstance(batch, Block) and trainer.global_step > self._latest_update_step:
            self._follow(pl_module)
            self.recent.append((batch["low"], batch["high"]))
        self._latest_update_step = trainer.global_step

    def each_step(self, module: L.LightningModule, low: Tensor, high: Tensor) -> None:
        """Average, and keep the batch, of a step in a block."""
        self._follow(module)
        images = torch.stack((low, high))[None]  # (1, 2, B, C, S, S)
        if self.ring.shape[1:] != images.shape[1:]:
            self.ring = torch.zeros((self.batches, *images.shape[1:]), device=images.device)
        self.ring.index_copy_(0, self.place % self.batches, images)
        self.place.add_(1)

    def tensors(self) -> list[Tensor]:
        """Return the average, and what is kept of the batches."""
        assert self._average_model is not None
        return [*self._average_model.parameters(), self._average_model.n_averaged, self.ring, self.place]

    @torch.no_grad()
    def _follow(self, module: L.LightningModule) -> None:
        assert self._average_model is not None
        n = self._average_model.n_averaged
        stays = rising(self.decay, n)
        for mean, own in zip(self._average_model.module.parameters(), module.parameters(), strict=True):
            mean.copy_(torch.lerp(own, mean, stays.to(mean.dtype)))
        n.add_(1)

    def _images(self) -> list[tuple[Tensor, Tensor]]:
        """Return the images (B, C, S, S) of the epoch's last batches, oldest first."""
        if (taken := int(self.place)) == 0:
            return list(self.recent)
        places = range(max(0, taken - self.batches), taken)
        return [(low, high) for low, high in (self.ring[place % self.batches] for place in places)]

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
        # not compiled: a plain mean reads its count on the host, which would be compiled anew for each validation
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            for low, high in self._images():
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


def rising(decay: float, n: Tensor) -> Tensor:
    """Return the share of the average that stays, a scalar, at the step after `n` (int64, a scalar) others."""
    return torch.where(n == 0, 0.0, ((1 + n) / (10 + n)).clamp_max(decay))
