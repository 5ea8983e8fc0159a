"""What a job returns to a sweeper that searches: one figure of validation, and which way is better."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from oresort.errors import InputError
from oresort.sorting import METRICS, direction

SCORES = tuple(f"val/{name}" for name in (*METRICS, "loss"))
"""Figures of validation: to choose by the test would be to train on it."""

_MAXIMISES: dict[str, Callable[[object], bool]] = {
    "direction": lambda value: "maximize" in str(value),  # hydra-optuna-sweeper
    "ax_config.experiment.minimize": lambda value: not value,  # hydra-ax-sweeper
    "optim.maximize": bool,  # hydra-nevergrad-sweeper
}
"""Keys by which other sweepers say which way is better, and whether a value of theirs means larger figures."""


def best_way(score: str) -> str:
    """Return `min` for a score that is best when small, such as `val/loss`, and `max` for the others."""
    return direction(score.removeprefix("val/"))


def score_of(rows: Iterable[Mapping[str, Any]], score: str) -> float:
    """Return the mean of a score over runs' rows, of the best epoch of each; NaN where one has none."""
    key = "monitor_value" if score == "val/loss" else score
    found = [row.get(key) if row["status"] == "finished" else None for row in rows]
    return sum(float("nan") if value is None else float(value) for value in found) / len(found)


def check_score(score: str | None, monitor: str, sweeper: DictConfig) -> None:
    """Refuse a search for the worst, or for nothing.

    Raises:
        InputError: a sweeper that searches, without a score or in the wrong direction; a loss that is no epoch's best.
    """
    if score == "val/loss" and monitor != "loss":
        raise InputError(f"score=val/loss: the best epoch is that of {monitor}, not of the loss; set monitor=loss")
    for key, maximises in _MAXIMISES.items():
        value = OmegaConf.select(sweeper, key)
        if value is None:
            continue
        if score is None:
            raise InputError("hydra/sweeper: it searches, and nothing says for what; set score=val/auroc, say")
        if (best_way(score) == "max") != maximises(value):
            better = "large" if best_way(score) == "max" else "small"
            raise InputError(f"hydra.sweeper.{key}={value}: would find the worst; {score} is best when {better}")
