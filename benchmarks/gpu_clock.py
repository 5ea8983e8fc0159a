"""When the parts of a training began and ended, the device's work included."""

import time
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback


def now(device: torch.device | None = None) -> float:
    """Return the time in seconds, once the GPU has done what it was asked for."""
    if torch.cuda.is_available() and (device is None or device.type == "cuda"):
        torch.cuda.synchronize()
    return time.perf_counter()


class Clock(Callback):
    """Notes the seconds of each epoch: `train`, `val`, and `rest`, which is checkpoints and records."""

    last: "Clock | None" = None  # of the training that ran last in this process

    def __init__(self) -> None:
        Clock.last = self
        self.epochs: list[dict[str, float]] = []
        self.first = self.mark = 0.0  # when the first epoch began, and the last part ended
        self.pairs = 0  # trained in an epoch

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End the rest of the epoch before."""
        if self.epochs:
            self._end("rest", pl_module)
        else:
            self.first = self.mark = now(pl_module.device)
        self.epochs.append({})

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End the steps."""
        if self.epochs:
            self._end("train", pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End the validation, before checkpoints are written: those callbacks come last."""
        if self.epochs:
            self._end("val", pl_module)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End the last rest."""
        self._end("rest", pl_module)
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        batch = min(data.settings.batch_size, count := len(data.pairs.rows("train")))
        self.pairs = count // batch * batch  # resident pairs come in whole batches

    def total(self, part: str) -> float:
        """Return the seconds of a part over all epochs."""
        return sum(epoch.get(part, 0.0) for epoch in self.epochs)

    def rate(self) -> float:
        """Return pairs/s in training, of the fastest epoch after the first."""
        return self.pairs / min(epoch["train"] for epoch in self.epochs[1:])

    def _end(self, part: str, module: L.LightningModule) -> None:
        end = now(module.device)
        self.epochs[-1][part] = self.epochs[-1].get(part, 0.0) + end - self.mark
        self.mark = end
