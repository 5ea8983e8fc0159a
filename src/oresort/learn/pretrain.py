"""One pretraining: a model and a pretext, from pairs of which no label is looked at, in the frame of a training run."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics import MeanMetric

from oresort.data.blocks import Block
from oresort.data.datamodule import OreDataModule
from oresort.data.index import index_unlabelled
from oresort.data.loaders import Batch
from oresort.errors import InputError
from oresort.learn.config import TrainConfig, model_spec
from oresort.learn.fit import running
from oresort.learn.fitting import fit, seeded
from oresort.learn.module import OreModule
from oresort.learn.options import check_options
from oresort.learn.pretext import Pretext
from oresort.learn.start import pinned
from oresort.make import make


@dataclass
class PretrainConfig(TrainConfig):
    """One pretraining; `conf/pretrain.yaml` explains each key that has an effect."""

    name: str = "pretrain"
    monitor: str = "loss"
    pretext: dict[str, Any] = field(default_factory=dict)


IDLE = (
    "threshold",
    "operating",
    "prices",
    "temperature",
    "monitor",
    "objective",
    "row",
    "reference",
    "compile",
    "block",
)
"""Keys of a training that say nothing here: they speak of labels or of a table, or of the model as a whole."""


class Unlabelled(OreDataModule):
    """Serves pairs with and without a label; `label` in a batch is -1."""

    read_index = staticmethod(index_unlabelled)


class Pretraining(OreModule):
    """Trains a model's towers on a pretext, given as a spec; other keywords are those of `OreModule`."""

    def __init__(self, pretext: Mapping[str, Any], size: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.save_hyperparameters({"pretext": dict(pretext)})
        channels = settings["model"]["channels"]
        self.pretext = make(pretext, Pretext, net=self.net, channels=channels, size=size)  # type: ignore[type-abstract]
        self._fit_loss, self._val_loss = MeanMetric(nan_strategy="disable"), MeanMetric(nan_strategy="disable")

    def setup(self, stage: str) -> None:
        """Refuse data that are prepared otherwise, and to answer: it has seen no label."""
        super().setup(stage)
        if stage in ("test", "predict"):
            raise InputError("a model of oresort.pretrain has seen no label; train from it by weights=FILE")

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Return the loss, a scalar, of images (B, C, S, S), so that who measures statistics sees what training saw."""
        loss: Tensor = self.pretext(self.net, *self.laid_out(low, high), self.draws)
        return loss

    def _loss(self, batch: Batch, mean: MeanMetric, draw: torch.Generator) -> Tensor:
        low, high = self.laid_out(batch["low"], batch["high"])  # (B, C, S, S)
        loss: Tensor = self.pretext(self.net, low, high, draw)
        mean.update(loss.detach(), len(low))
        return loss

    def _tell(self, mean: MeanMetric, side: str) -> None:
        loss = float(mean.compute())
        mean.reset()
        if not math.isfinite(loss):
            raise InputError(f"{side}/loss is {loss} in epoch {self.current_epoch}; lower optim.lr")
        self.log(f"{side}/loss", loss, prog_bar=side == "val", rank_zero_only=True)

    def training_step(self, batch: Batch | Block) -> Tensor:
        """Return the pretext's loss of a batch."""
        assert not isinstance(batch, Block)  # see `plan_steps`
        return self._loss(batch, self._fit_loss, self.draws)

    def validation_step(self, batch: Batch) -> None:
        """Collect a batch's loss; what is drawn is the same in every epoch, so that epochs can be compared."""
        self._loss(batch, self._val_loss, torch.Generator(self.device).manual_seed(int(batch["index"][0])))

    def on_train_epoch_end(self) -> None:
        """Log `train/loss`."""
        self._tell(self._fit_loss, "train")
        self.log("lr", self.optimizers().param_groups[0]["lr"], rank_zero_only=True)  # type: ignore[union-attr]

    def on_validation_epoch_end(self) -> None:
        """Log `val/loss`."""
        self._tell(self._val_loss, "val")


def pretrain(cfg: PretrainConfig, folder: str | Path) -> dict[str, Any]:
    """Train on the pretext, choose the best epoch by its loss on validation pairs, and return the run's flat row.

    Writes what `train` does but `predictions.csv`; the weights in `checkpoints/best.ckpt` are for `weights=`. If
    `last.ckpt` is there already, the run goes on from it.

    Raises:
        InputError: what the configuration or the data have wrong.
    """
    folder = Path(folder)
    if cfg.monitor != "loss" or cfg.trainer.get("devices", 1) not in (1, "1"):
        raise InputError("pretrain: chooses by the loss, on one device; leave out monitor= and set trainer.devices=1")
    check_options(cfg)
    cfg = pinned(cfg)
    if not cfg.data.root:
        raise InputError("data.root: empty; name the dataset's folder as data.root=DIR")
    data = Unlabelled(**asdict(cfg.data), representation=cfg.representation, augment=cfg.augment, seed=cfg.seed)
    with running(cfg, folder, data) as (row, loggers):
        seeded(cfg)
        module = Pretraining(
            cfg.pretext,
            data.representation.size,
            model=model_spec(cfg, data.representation.channels),
            representation=cfg.representation,
            optim=cfg.optim,
            schedule=cfg.schedule,
            channels_last=cfg.channels_last,
            freeze=cfg.freeze,
            rates=asdict(cfg.rates),
        )
        row |= fit(cfg, folder, module, data, loggers)
    return row
