"""The loggers of a run: its own `metrics.csv`, and any of Lightning's, several at once."""

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from oresort.files.reading import present
from oresort.files.write import replacing
from oresort.learn.config import TrainConfig
from oresort.learn.record import read_epochs
from oresort.make import find, make
from oresort.represent.representation import Planes

Pictures = Callable[[list[str]], dict[str, Planes]]
"""Looks pairs up by id."""


class ResultLogger(ABC):
    """What a logger may take beyond figures; derive from it and from a `Logger` of Lightning."""

    @abstractmethod
    def summarise(self, figures: Mapping[str, float]) -> None:
        """Take the final figures, by name."""

    @abstractmethod
    def show(self, predictions: pd.DataFrame, threshold: float, pictures: Pictures, ckpt: Path) -> None:
        """Take the table of predictions, and the best checkpoint."""

    @abstractmethod
    def close(self, failed: bool) -> None:
        """End the run, marked as failed or not."""


class EpochLogger(Logger):
    """Keeps `metrics.csv`: one row an epoch, rewritten whole, so that a killed run can go on with it."""

    name, version = "epochs", ""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.rows: dict[int, dict[str, float]] = read_epochs(file) if present(file) else {}

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add the figures of an epoch to its row."""
        if "epoch" in metrics:
            epoch = int(metrics["epoch"])
            self.rows.setdefault(epoch, {"epoch": epoch}).update({k: v for k, v in metrics.items() if k != "epoch"})
            with replacing(self.file) as temporary:
                pd.DataFrame([self.rows[key] for key in sorted(self.rows)]).to_csv(temporary, index=False)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: `config.yaml` holds them."""


def make_loggers(cfg: TrainConfig, folder: Path) -> list[Logger]:
    """Return the loggers that `cfg.logger` describes, a spec by name; each writes into `folder/NAME`."""
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # it would have a database, for one run's files
    loggers = []
    for name, spec in cfg.logger.items():
        takes = inspect.signature(find(spec.get("_target_"), Logger)).parameters
        extra: dict[str, Any] = {"save_dir": str(folder / name)} if "save_dir" in takes else {}
        loggers.append(make(spec, Logger, **extra))  # type: ignore[type-abstract]
        loggers[-1].log_hyperparams(asdict(cfg))
    return loggers


def summarise(loggers: Sequence[Logger], figures: Mapping[str, float], *results: Any) -> None:
    """Give each logger the final figures, and the `results` that `ResultLogger.show` takes to those that have it."""
    for logger in loggers:
        if isinstance(logger, ResultLogger):
            logger.summarise(figures)
            logger.show(*results)
        else:
            logger.log_metrics(dict(figures))
            logger.save()


def close(loggers: Sequence[Logger], failed: bool) -> None:
    """Close the loggers, so that no run leaks into the next."""
    for logger in loggers:
        if isinstance(logger, ResultLogger):
            logger.close(failed)
        else:
            logger.finalize("failed" if failed else "success")
