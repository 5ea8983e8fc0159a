"""What a trained module does: it answers, by itself or under a trainer's `validate`, `test` and `predict`."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn, TrainerStatus
from torch import Tensor
from torchmetrics import CatMetric

from oresort.data.loaders import Batch
from oresort.learn.metrics import binary_metrics
from oresort.learn.objective import Objective
from oresort.learn.served import check_answers, check_images, check_served, loaders_of
from oresort.make import make
from oresort.models.heads.head import p_ore
from oresort.models.pairnet import PairNet
from oresort.represent.representation import Representation


class Answering(L.LightningModule):
    """The half of a module that needs no training: figures and answers are those of `oresort.evaluate`.

    Data that are not prepared as the model's own are refused, see `check_served`.
    """

    objective: Objective
    seen: dict[str, Any]
    threshold: Tensor
    temperature: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._format = torch.contiguous_format
        # to look for NaN would wait for the device
        self._held_out = CatMetric(nan_strategy="disable")

    @property
    def net(self) -> PairNet:
        """The model alone, without what it is trained with."""
        return self.objective.net

    @cached_property
    def representation(self) -> Representation:
        """How its pairs become planes."""
        return make(self.hparams["representation"], Representation)  # type: ignore[type-abstract]

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Return logits (B, 2), waste and ore, of images (B, C, S, S) float32, as its representation makes them.

        Raises:
            InputError: where no trainer runs, images of another kind, such as raw counts.
        """
        running = self._trainer is not None and self._trainer.state.status == TrainerStatus.RUNNING
        if not running and not torch.compiler.is_compiling():
            check_images(self.representation, low, high)
        return cast("Tensor", self.net(*self.laid_out(low, high)))

    def laid_out(self, *images: Tensor) -> tuple[Tensor, ...]:
        """Return images (B, C, S, S) in the model's memory format."""
        return tuple(image.contiguous(memory_format=self._format) for image in images)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take what else travels with the weights; a module that `load_from_checkpoint` gives is there to answer."""
        if self._trainer is None:
            self.seen = dict(checkpoint.get("seen") or {})
            self.eval()

    def setup(self, stage: str) -> None:
        """Refuse a DataModule whose pairs are not prepared as the model's own."""
        if (data := getattr(self.trainer, "datamodule", None)) is not None:
            self._check(data)

    @property
    def fitting(self) -> bool:
        """Whether a trainer trains it."""
        return self.trainer.state.fn == TrainerFn.FITTING

    def on_validation_start(self) -> None:
        """Refuse pairs that are not prepared as the model's own."""
        if not self.fitting:
            self._check(self.trainer.val_dataloaders)

    def on_validation_epoch_end(self) -> None:
        """Log `val/` metrics, at the temperature and the threshold that the model has."""
        self._log("val")

    def on_test_start(self) -> None:
        """Refuse pairs that are not prepared as the model's own."""
        self._check(self.trainer.test_dataloaders)

    def test_step(self, batch: Batch) -> None:
        """Collect a batch's answers."""
        logits = self(batch["low"], batch["high"]).float()
        self._held_out.update(torch.cat([logits, torch.stack([batch["label"], batch["index"]], 1)], 1))  # (B, 4)

    def on_test_epoch_end(self) -> None:
        """Log `test/` metrics, at the temperature and the threshold that the model has."""
        self._log("test")

    def on_predict_start(self) -> None:
        """Refuse pairs that are not prepared as the model's own."""
        self._check(self.trainer.predict_dataloaders)

    def predict_step(self, batch: Batch) -> Mapping[str, Tensor]:
        """Return `p_ore` (B,) float32 of a batch, and `index` (B,), the rows of the manifest that it is of."""
        answers = p_ore(self(batch["low"], batch["high"]), self.temperature)
        return {"index": batch["index"], "p_ore": check_answers(answers)}

    def _check(self, served: Any) -> None:
        reading = self.net.reading
        for source in loaders_of(served):
            cutoff = None if reading is None or self.fitting else reading.percent
            check_served(self.representation, self.hparams.get("cut"), source, cutoff)

    def _log(self, side: str) -> None:
        found = self._held_out.compute()  # (N, 4), of all processes
        self._held_out.reset()
        found = found[found[:, 3].argsort()]  # in the manifest's order, in which `evaluate` adds up
        answers = check_answers(p_ore(found[:, :2], self.temperature))
        figures = binary_metrics(answers, found[:, 2].long(), float(self.threshold))
        self.log_dict({f"{side}/{name}": value for name, value in figures.items()}, rank_zero_only=True)
