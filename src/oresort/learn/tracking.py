"""The loggers of a run beside its own `metrics.csv`: any of Lightning's, several at once."""

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from lightning.pytorch.loggers import Logger

from oresort.learn.config import TrainConfig
from oresort.make import find, make
from oresort.represent.representation import Planes


class ResultLogger(ABC):
    """What a logger may take beyond figures; derive from it and from a `Logger` of Lightning."""

    @abstractmethod
    def summarise(self, figures: Mapping[str, float]) -> None:
        """Take the final figures, by name."""

    @abstractmethod
    def show(
        self,
        predictions: pd.DataFrame,
        threshold: float,
        pictures: Callable[[list[str]], dict[str, Planes]],
        ckpt: Path,
    ) -> None:
        """Take the table of predictions, and the best checkpoint; `pictures` looks pairs up by id."""

    @abstractmethod
    def close(self, failed: bool) -> None:
        """End the run, marked as failed or not."""


class Tracking:
    """The loggers of one run; `finish` closes them, so that no run leaks into the next."""

    def __init__(self, loggers: Sequence[Logger] = ()) -> None:
        self.loggers = list(loggers)

    def summary(self, figures: Mapping[str, float]) -> None:
        """Give final figures to each logger."""
        for logger in self.loggers:
            if isinstance(logger, ResultLogger):
                logger.summarise(figures)
            else:
                logger.log_metrics(dict(figures))
                logger.save()

    def results(
        self,
        predictions: pd.DataFrame,
        threshold: float,
        pictures: Callable[[list[str]], dict[str, Planes]],
        ckpt: Path,
    ) -> None:
        """Give predictions and the model to each logger that takes them."""
        for logger in self.loggers:
            if isinstance(logger, ResultLogger):
                logger.show(predictions, threshold, pictures, ckpt)

    def finish(self, failed: bool) -> None:
        """Close the loggers."""
        for logger in self.loggers:
            if isinstance(logger, ResultLogger):
                logger.close(failed)
            else:
                logger.finalize("failed" if failed else "success")


def make_logger(cfg: TrainConfig, folder: Path) -> Tracking:
    """Return the loggers that `cfg.logger` describes, a spec by name; each writes into `folder/NAME`.

    Raises:
        InputError: what `make` or a logger refuses.
    """
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # it would have a database, for one run's files
    loggers = []
    for name, spec in cfg.logger.items():
        takes = inspect.signature(find(spec.get("_target_"), Logger)).parameters
        extra: dict[str, Any] = {"save_dir": str(folder / name)} if "save_dir" in takes else {}
        loggers.append(make(spec, Logger, **extra))  # type: ignore[type-abstract]
        loggers[-1].log_hyperparams(asdict(cfg))
    return Tracking(loggers)
