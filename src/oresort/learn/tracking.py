"""Weights & Biases beside the run folder, offline unless told otherwise."""

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from lightning.pytorch.loggers import Logger

from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.learn.config import TrainConfig
from oresort.learn.panels import log_panels, samples
from oresort.represent.representation import Planes

_MODES = ("offline", "online", "disabled", "shared")


class Tracking:
    """The loggers of one run; `finish` closes them, so that no run leaks into the next."""

    def __init__(self, loggers: list[Logger] | None = None, keep_model: bool = False) -> None:
        self.loggers = loggers or []
        self.keep_model = keep_model

    def summary(self, figures: Mapping[str, Any]) -> None:
        """Add final figures to each logger's run."""
        for logger in self.loggers:
            logger.experiment.summary.update(dict(figures))  # type: ignore[attr-defined]

    def results(
        self,
        predictions: pd.DataFrame,
        threshold: float,
        pictures: Callable[[list[str]], dict[str, Planes]],
        ckpt: Path,
    ) -> None:
        """Add curves, tables, sample pairs and the model file, see `log_panels`; `pictures` looks pairs up by id."""
        for logger in self.loggers:
            shown = samples(predictions[predictions["split"] == "test"], threshold)["id"].tolist()
            kept = ckpt if self.keep_model else None
            log_panels(logger.experiment, predictions, threshold, pictures(shown), kept)  # type: ignore[attr-defined]

    def finish(self, failed: bool) -> None:
        """Close the run, marked as failed or not."""
        if self.loggers:
            import wandb

            # Lightning would hand an open run to the next job's logger
            wandb.finish(exit_code=int(failed))


def make_logger(cfg: TrainConfig, folder: Path) -> Tracking:
    """Return the tracking that `cfg.logger` asks for: nothing for `{}`, else a Weights & Biases run.

    Raises:
        InputError: An unknown key or mode, or a server that cannot be reached.
    """
    if not cfg.logger:
        return Tracking()
    settings = dict(cfg.logger)
    kind, mode = settings.pop("kind", None), settings.get("mode")
    if kind != "wandb" or mode not in _MODES:
        raise InputError(
            f"logger: kind={kind}, mode={mode}; known are logger=csv, logger=wandb with mode {_MODES}"
        )
    known = ("mode", "project", "entity", "group", "job_type", "tags", "timeout", "model")
    if unknown := set(settings) - set(known):
        raise InputError(f"logger.{min(unknown)}: unknown; known are {', '.join(known)}")
    timeout, keep_model = settings.pop("timeout", 30), bool(settings.pop("model", True))
    # imported here: it is slow, and most runs do without it
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    os.environ.setdefault("WANDB_SILENT", "true")
    # payloads waiting for a later `wandb sync` stay in the run folder instead of the home folder
    os.environ["WANDB_DATA_DIR"] = str((folder / "wandb").resolve())
    (folder / "wandb").mkdir(parents=True, exist_ok=True)
    settings["job_type"] = settings.get("job_type") or "train"
    logger = WandbLogger(
        save_dir=str(folder),
        name=f"{cfg.row or cfg.name}-s{cfg.seed}",
        id=_run_id(folder),
        resume="allow",
        settings=wandb.Settings(init_timeout=timeout, console="off"),
        **settings,
    )
    try:
        logger.experiment.config.update(asdict(cfg), allow_val_change=True)
    except (wandb.errors.CommError, wandb.errors.UsageError) as error:
        raise InputError(f"logger=wandb: {' '.join(str(error).split())}; use logger.mode=offline") from error
    return Tracking([logger], keep_model)


def _run_id(folder: Path) -> str:
    # kept, so that a killed run goes on as the same run of the service
    file = folder / "wandb" / "id.txt"
    if not file.is_file():
        with replacing(file) as temporary:
            temporary.write_text(uuid.uuid4().hex[:8])
    return file.read_text().strip()
