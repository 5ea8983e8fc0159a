"""The trainer of a run: its checkpoints, callbacks and loggers, as Lightning wants them."""

import logging
from pathlib import Path
from typing import Any

import lightning as L
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import Logger

from oresort.errors import InputError, one_line
from oresort.learn.config import TrainConfig
from oresort.learn.saving import WholeCheckpoints
from oresort.learn.turns import turn
from oresort.make import make
from oresort.sorting import direction


def make_trainer(cfg: TrainConfig, options: dict[str, Any], folder: Path, loggers: list[Logger]) -> L.Trainer:
    """Return the trainer of a run in `folder`, by `options`; InputError for one that Lightning does not take."""
    where: dict[str, Any] = {"dirpath": folder / "checkpoints", "enable_version_counter": False}
    best: dict[str, Any] = {"monitor": f"val/{cfg.monitor}", "mode": direction(cfg.monitor)}
    callbacks: list[Callback] = [
        ModelCheckpoint(**where, filename="best", **best),
        ModelCheckpoint(**where, filename="last", save_on_train_epoch_end=True),
        *(make(spec, Callback) for spec in cfg.callbacks.values()),
        *turn(),
    ]
    for callback in callbacks:
        if isinstance(callback, ModelCheckpoint) and callback.dirpath is None:
            callback.dirpath = str((folder / "checkpoints").resolve())  # as its own class writes what it is given
    if options.get("enable_progress_bar", True):
        # on a fast device the bar would cost more than the step
        every = 1 if options.get("accelerator") == "cpu" else 50
        callbacks.append(RichProgressBar(refresh_rate=every, leave=True))
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # its tips and lists of devices
    try:
        return L.Trainer(
            **options,
            default_root_dir=folder,
            logger=loggers,
            callbacks=callbacks,
            plugins=[WholeCheckpoints()],
            # an epoch's order and augmentation follow from its number, so a resumed run repeats them
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
        )
    except (ImportError, TypeError, ValueError, RuntimeError, MisconfigurationException) as error:
        # Lightning's own words for an accelerator that is not here, a wrong precision, and the like
        raise InputError(f"trainer: {one_line(error)}; change trainer.*") from error
