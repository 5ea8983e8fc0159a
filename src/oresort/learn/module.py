"""Training and validation of one model, as Lightning runs them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torchmetrics import CatMetric

from oresort.console import started
from oresort.data.blocks import Block, Blocks
from oresort.data.loaders import Batch
from oresort.errors import InputError
from oresort.learn.answering import Answering
from oresort.learn.clock import SPENT, Clock
from oresort.learn.draws import Draws
from oresort.learn.graph import recorder
from oresort.learn.metrics import binary_metrics
from oresort.learn.objective import Objective
from oresort.learn.options import check_steps
from oresort.learn.saving import TRAINED_ON
from oresort.learn.schedule import build_optimizer, grouped, on_gpu
from oresort.learn.steps import Clip, Steps
from oresort.make import make
from oresort.models.build import build_model
from oresort.models.heads.head import p_ore
from oresort.sorting.drift import count_answers
from oresort.sorting.temperature import choose_temperature
from oresort.sorting.threshold import choose_threshold

_PLAIN = {"_target_": "oresort.learn.objective.Objective"}


class OreModule(Answering):
    """A pair classifier with its loss, its metrics, and the temperature and threshold that travel with it.

    Args:
        model: spec of the model, see `build_model`.
        representation: spec of what the model was trained on, so that a checkpoint can prepare a pair by itself.
        optim: spec of the optimiser, see `build_optimizer`; None, as the next, where nothing is trained.
        schedule: spec of the learning rate's course.
        threshold: rule or number, see `choose_threshold`; applied to the validation pairs of every epoch.
        temperature: rule or number, see `choose_temperature`; applied to them before the threshold.
        channels_last: memory format of images and convolutions.
        compile: compile the model with torch.compile: true, or one of its modes by name.
        objective: spec of the `Objective`; None where nothing is trained.
        cut: how the pairs it was trained on were cut, see `Cutting`; None if that is not known.
        seen: what those pairs and their scans looked like, see `oresort.sorting.drift.compare`.
        freeze: parts of the model, as `PairNet` names them, that are not trained and keep their statistics.
        rates: factors of the learning rate by part.
        lost_ore: what `choose_threshold` takes by that name.

    Raises:
        InputError: what a spec has wrong, or nothing left to train.
    """

    def __init__(
        self,
        model: Mapping[str, Any],
        representation: Mapping[str, Any],
        optim: Mapping[str, Any] | None = None,
        schedule: Mapping[str, Any] | None = None,
        threshold: str | float = "balanced_accuracy",
        temperature: str | float = "fitted",
        channels_last: bool = False,
        compile: bool | str = False,
        objective: Mapping[str, Any] | None = None,
        cut: Mapping[str, Any] | None = None,
        seen: Mapping[str, Any] | None = None,
        freeze: Sequence[str] = (),
        rates: Mapping[str, float] | None = None,
        lost_ore: float = 1.0,
    ) -> None:
        super().__init__()
        # plain values only, which load under torch's safe loading
        self.save_hyperparameters(ignore=["seen"])  # a measurement, which is no setting for loggers to show
        self.seen = dict(seen or {})
        self.trained_on = np.zeros(0, np.uint64)  # hashes of all images that its weights have been trained on
        # refuse a bad rule before an epoch is spent
        choose_threshold(threshold, np.zeros(0), np.zeros(0, int))
        choose_temperature(temperature, np.zeros((0, 2)), np.zeros(0, int))
        self.objective = make(objective or _PLAIN, Objective, net=build_model(model))
        self._pace: Tensor | None = None
        self._draws, self.clock = Draws(), Clock({})
        self.clip: Clip | None = None  # of steps in blocks, which Lightning does not clip
        self._steps: Steps | None = None  # that takes them, once there is a block
        # buffers, so they are saved and moved with the weights
        self.register_buffer("threshold", torch.tensor(0.5))
        self.register_buffer("temperature", torch.tensor(1.0 if isinstance(temperature, str) else float(temperature)))
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self.net.to(memory_format=self._format)
        self.frozen = [self.net.get_submodule(part) for part in freeze]
        for part in self.frozen:
            part.requires_grad_(False).eval()
        if freeze and not any(parameter.requires_grad for parameter in self.net.parameters()):
            raise InputError(f"freeze={','.join(freeze)}: leaves no weight of the model to train; freeze fewer parts")
        if compile:
            # in place, which leaves the names in the checkpoint alone
            self.net.compile(mode=None if compile is True else compile)
        # one per stage, since validation runs inside a training epoch; to look for NaN would wait for the device
        self._fit, self._val = CatMetric(nan_strategy="disable"), CatMetric(nan_strategy="disable")

    def train(self, mode: bool = True) -> "OreModule":
        """Set what is trained to training; a frozen part computes, and keeps its statistics, as in inference."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self

    @property
    def draws(self) -> torch.Generator:
        """What the objective draws from."""
        return self._draws.on(self.device)

    def on_fit_start(self) -> None:
        """Keep the run's seed and time; a module that has answered before is trained from here on."""
        self._draws.begin_run()
        self.clock.begin(self.device, self.trainer.num_devices * self.trainer.num_nodes)
        self.train()

    def on_train_epoch_start(self) -> None:
        """Begin the epoch's own draws."""
        self._draws.begin(self.current_epoch)

    def _collect(self, collected: CatMetric, logits: Tensor, losses: Tensor, label: Tensor) -> None:
        collected.update(torch.cat([logits.float(), torch.stack([label, losses], 1)], 1))  # (B, 4)

    def _report(self, collected: CatMetric, prefix: str) -> None:
        found = collected.compute()  # (N, 4), of all processes
        collected.reset()
        logits, label = found[:, :2], found[:, 2]
        loss = float(found[:, 3].contiguous().mean())
        if not math.isfinite(loss):
            mend = "set compile=false, or lower optim.lr" if self.hparams["compile"] else "lower optim.lr"
            raise InputError(f"{prefix}/loss is {loss} in epoch {self.current_epoch}; {mend}")
        if prefix == "val":
            # set here, before the epoch's checkpoint is written, so that it is always that epoch's own
            known = label.cpu().numpy()
            self.temperature.fill_(choose_temperature(self.hparams["temperature"], logits.cpu().numpy(), known))
            answers = p_ore(logits, self.temperature).cpu().numpy()
            self.threshold.fill_(choose_threshold(self.hparams["threshold"], answers, known, self.hparams["lost_ore"]))
            self.seen["p_ore"] = count_answers(answers)
        figures = binary_metrics(p_ore(logits, self.temperature), label.long(), float(self.threshold)) | {"loss": loss}
        # computed from all processes' pairs, so there is nothing to average between them
        self.log_dict({f"{prefix}/{name}": value for name, value in figures.items()}, rank_zero_only=True)
        if prefix == "val":
            self.log("auroc", figures["auroc"], prog_bar=True, logger=False, rank_zero_only=True)

    def on_train_start(self) -> None:
        """Refuse a limit of steps without a validation, once the number of batches is known."""
        trainer = self.trainer
        check_steps(trainer.max_steps, trainer.num_training_batches, trainer.accumulate_grad_batches)
        started.clear()  # from here on a failure is a run's, and worth its folder

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let what it has seen travel with the model, and the epoch's figures, which are logged only after it."""
        checkpoint["seen"] = self.seen
        checkpoint[SPENT] = self.clock.spent()
        checkpoint[TRAINED_ON] = torch.from_numpy(self.trained_on.view(np.int64))  # which safe loading takes
        figures = {name: float(value) for name, value in self.trainer.callback_metrics.items()}
        checkpoint["figures"] = {"epoch": self.current_epoch} | {k: v for k, v in figures.items() if k != "auroc"}

    def training_step(self, batch: Batch | Block) -> Tensor | None:
        """Return the objective of a batch; of a block, take its steps."""
        if isinstance(batch, Block):
            self._take(batch)
            return None
        low, high = self.laid_out(batch["low"], batch["high"])  # (B, C, S, S)
        loss, outputs = self.objective({**batch, "low": low, "high": high}, self.draws)
        self._collect(self._fit, outputs.logits, outputs.losses, batch["label"])
        self._pace = outputs.pace
        return cast("Tensor", loss)

    def _take(self, block: Block) -> None:
        if self._steps is None:
            self._steps = Steps(self, self.clip, recorder(self.device))
        told = self._steps.take(block)
        self._collect(self._fit, told.logits, told.losses, told.label)
        # as Lightning counts its own
        progress = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        for _ in range(len(block)):
            progress.increment_ready()
            progress.increment_completed()

    def on_fit_end(self) -> None:
        """Give the graph's memory back."""
        self._steps = None

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Slow down the tower that is ahead."""
        if self._pace is not None:
            self.objective.balance(self._pace, self.draws)

    def validation_step(self, batch: Batch) -> None:
        """Collect a batch's answers, in training with their losses."""
        if not self.fitting:
            self.test_step(batch)
            return
        # without what helps training, so that runs with other terms can be compared
        if self.net.reading is None:
            logits = outputs = self(batch["low"], batch["high"])
        else:
            logits, _, outputs = self.net.parts(*self.laid_out(batch["low"], batch["high"]))
        self._collect(self._val, logits, self.objective.losses(outputs, batch), batch["label"])

    def on_train_epoch_end(self) -> None:
        """Log `train/` metrics, at temperature and threshold of this epoch's validation."""
        self._report(self._fit, "train")
        self.log("lr", self.optimizers().param_groups[0]["lr"], rank_zero_only=True)  # type: ignore[union-attr]

    def on_validation_epoch_end(self) -> None:
        """Log `val/` metrics, in training at the temperature and the threshold that are chosen on them."""
        if self.fitting:
            self._report(self._val, "val")
        else:
            super().on_validation_epoch_end()

    def groups(self) -> list[torch.nn.Parameter] | list[dict[str, Any]]:
        """Return what is trained, as an optimiser takes it."""
        parts = {parameter: name.partition(".")[0] for name, parameter in self.net.named_parameters()}
        return grouped(((parts.get(one, ""), one) for one in self.parameters()), self.hparams["rates"] or {})

    def configure_optimizers(self) -> Any:
        """Return the optimiser and its schedule over all steps of the run."""
        steps = int(self.trainer.estimated_stepping_batches)
        optim, schedule = self.hparams["optim"] or {}, self.hparams["schedule"] or {}
        if isinstance(blocks := self.trainer.train_dataloader, Blocks):  # of which Lightning counts each as one
            steps = blocks.steps * int(self.trainer.max_epochs or 1)
            optim = on_gpu(optim) if self.device.type == "cuda" else optim
        optimizer, scheduler = build_optimizer(optim, schedule, self.groups(), steps)
        if isinstance(scheduler, ReduceLROnPlateau):  # which is seen in validations, of which there is one an epoch
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": scheduler, "interval": "epoch", "monitor": "val/loss"},
            }
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
