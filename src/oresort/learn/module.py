"""Training and validation of one model, as Lightning runs them."""

import math
from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from oresort.data.datamodule import Batch
from oresort.errors import InputError
from oresort.learn.metrics import binary_metrics, choose_threshold
from oresort.learn.schedule import Schedule
from oresort.models.build import build_model


class OreModule(L.LightningModule):
    """A pair classifier with its loss, its metrics and the decision threshold that travels with it.

    Args:
        model: Spec of the model, see `build_model`.
        representation: Spec of the representation that the model was trained on, so that a checkpoint can
            prepare a pair by itself.
        optim: Keywords of `Schedule`.
        threshold: Rule or number, see `choose_threshold`; applied to the validation pairs of every epoch.
        channels_last: Memory format of images and convolutions.
        compile: Compile the model with torch.compile.
    """

    def __init__(
        self,
        model: Mapping[str, Any],
        representation: Mapping[str, Any],
        optim: Mapping[str, Any] | None = None,
        threshold: str | float = "balanced_accuracy",
        channels_last: bool = False,
        compile: bool = False,
    ) -> None:
        super().__init__()
        # plain values only: a checkpoint loads under torch's safe loading, with no arguments
        self.save_hyperparameters()
        # refuse a bad rule before an epoch is spent
        choose_threshold(threshold, torch.zeros(0), torch.zeros(0))
        self.net = build_model(model)
        self.schedule = Schedule(**(optim or {}))
        self.register_buffer("threshold", torch.tensor(0.5))
        self.threshold: Tensor
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self.net.to(memory_format=self._format)
        if compile:
            self.net.compile()  # in place, which leaves the names in the checkpoint alone
        # one per stage: validation runs inside a training epoch
        self._fit, self._val = _Collected(), _Collected()

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Return logits (B, 2), waste and ore, of images (B, C, S, S) float32."""
        logits: Tensor = self.net(
            low.contiguous(memory_format=self._format), high.contiguous(memory_format=self._format)
        )
        return logits

    def _step(self, collected: "_Collected", batch: Batch) -> Tensor:
        logits = self(batch["low"], batch["high"])
        losses = F.cross_entropy(logits, batch["label"], reduction="none")
        collected.update(logits.detach(), losses.detach(), batch["label"])
        return losses.mean()

    def _report(self, collected: "_Collected", prefix: str) -> None:
        p_ore, label, losses = collected.compute()
        collected.reset()
        loss = float(losses.mean())
        if not math.isfinite(loss):
            raise InputError(f"{prefix}/loss is {loss} in epoch {self.current_epoch}; lower optim.lr")
        if prefix == "val":
            rule: str | float = self.hparams["threshold"]
            # set here, before the epoch's checkpoint is written, so that it is always that epoch's own
            self.threshold.fill_(choose_threshold(rule, p_ore, label))
        figures = binary_metrics(p_ore, label, float(self.threshold)) | {"loss": loss}
        # computed from all processes' pairs, so there is nothing to average between them
        self.log_dict({f"{prefix}/{name}": value for name, value in figures.items()}, rank_zero_only=True)
        if prefix == "val":
            self.log("auroc", figures["auroc"], prog_bar=True, logger=False, rank_zero_only=True)

    def training_step(self, batch: Batch) -> Tensor:
        """Return the mean cross-entropy of a batch."""
        return self._step(self._fit, batch)

    def validation_step(self, batch: Batch) -> None:
        """Collect a batch's probabilities."""
        self._step(self._val, batch)

    def on_train_epoch_end(self) -> None:
        """Log `train/` metrics, at the threshold of this epoch's validation."""
        self._report(self._fit, "train")
        self.log("lr", self.optimizers().param_groups[0]["lr"], rank_zero_only=True)  # type: ignore[union-attr]

    def on_validation_epoch_end(self) -> None:
        """Choose the threshold and log `val/` metrics."""
        self._report(self._val, "val")

    def configure_optimizers(self) -> Any:
        """Return Adam and its schedule over all steps of the run."""
        optimizer, scheduler = self.schedule.build(
            self.parameters(), int(self.trainer.estimated_stepping_batches)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class _Collected(Metric):
    """The pairs of an epoch, of all processes: p_ore, label and loss, each (N,)."""

    p_ore: list[Tensor]
    label: list[Tensor]
    loss: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("p_ore", "label", "loss"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, logits: Tensor, losses: Tensor, label: Tensor) -> None:
        self.p_ore.append(logits.float().softmax(dim=1)[:, 1])
        self.label.append(label)
        self.loss.append(losses.float())

    def compute(self) -> tuple[Tensor, Tensor, Tensor]:
        return dim_zero_cat(self.p_ore), dim_zero_cat(self.label), dim_zero_cat(self.loss)
