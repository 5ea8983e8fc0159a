"""Weights & Biases beside the run folder: curves, tables, pairs and the model file, offline unless told otherwise."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import wandb
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray
from skimage.exposure import rescale_intensity
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from oresort.errors import InputError, one_line
from oresort.learn.tracking import Pictures, ResultLogger
from oresort.learn.wandb_parts import STEP, earlier, identity, movable, row_key
from oresort.represent.representation import Planes
from oresort.sorting.decide import is_ore

_MODES = ("offline", "online", "disabled", "shared")
_MOST_POINTS = 400  # of a curve; a custom chart of the service shows at most 10,000
_BINS = 10
_SAMPLES = 4  # of each kind
_ENLARGED = 4


class WandbRun(ResultLogger, WandbLogger):
    """A run of W&B; a killed one goes on as the same. `conf/logger/wandb.yaml` explains the keywords.

    `save_dir` is its folder in the run folder; payloads for a later `wandb sync` lie there too.

    Raises:
        InputError: an unknown mode, what `identity` refuses, another run in this process, or a server that cannot be
            reached.
    """

    def __init__(
        self,
        save_dir: str,
        name: str,
        mode: str = "offline",
        project: str = "oresort",
        entity: str | None = None,
        group: str | None = None,
        job_type: str = "train",
        tags: Sequence[str] = (),
        notes: str | None = None,
        id: str | None = None,
        timeout: float = 30,
        model: bool = True,
    ) -> None:
        if mode not in _MODES:
            raise InputError(f"logger.wandb.mode={mode}: known are {', '.join(_MODES)}")
        if wandb.run is not None:  # Lightning would go on with that one
            raise InputError(f"logger=wandb: {wandb.run.id} is tracked in this process; end it by wandb.finish() first")
        self._folder = folder = Path(save_dir)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ["WANDB_DATA_DIR"] = str(folder.resolve())  # not in the home folder
        self.model, self._told = model, earlier(folder)
        # no links, which are absolute; what a kill may lose is a second of curves
        settings = wandb.Settings(
            init_timeout=timeout, console="off", symlink=False, x_transaction_log_flush_interval=1
        )
        super().__init__(
            save_dir=str(folder.parent), name=name, id=identity(folder, id), project=project, entity=entity,
            group=group, job_type=job_type, tags=list(tags), notes=notes, mode=mode, resume="allow", settings=settings,
        )  # fmt: skip
        self._wandb_init.pop("anonymous", None)  # Lightning hands it on unasked, and the service warns of it
        try:
            run = self.experiment
        except (wandb.errors.CommError, wandb.errors.UsageError) as error:
            raise InputError(f"logger=wandb: {one_line(error)}; use logger.wandb.mode=offline") from error
        if mode == "offline":
            run.log_artifact = partial(movable, run.log_artifact, folder.parent)  # which tables go through, too

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add figures at a step of the optimiser, unless an earlier part of the run has told them."""
        run, told = self.experiment, self._told
        row = {**metrics, **({} if step is None else {STEP: step})}
        if step is None or row_key(row) not in told.rows:
            run.log(row, step=max(told.step, run.step), commit=True)
            told.step += 1

    def summarise(self, figures: Mapping[str, float]) -> None:
        """Add final figures to the run's summary."""
        self.experiment.summary.update(dict(figures))

    def show(self, predictions: pd.DataFrame, threshold: float, pictures: Pictures, ckpt: Path) -> None:
        """Add charts, tables and pictures of the test pairs, and the model file."""
        run, test = self.experiment, predictions[predictions["split"] == "test"]
        ore, p_ore = (test["label"] == "ore").to_numpy(), test["p_ore"].to_numpy(np.float64)
        for key, (title, frame) in curves(ore, p_ore).items():
            x, y = frame.columns
            run.log({f"test/{key}": wandb.plot.line(wandb.Table(dataframe=frame), x, y, title=f"{title}, test")})
        true, called = ore.astype(int).tolist(), is_ore(p_ore, threshold).astype(int).tolist()
        confusion = wandb.plot.confusion_matrix(
            y_true=true, preds=called, class_names=["waste", "ore"], title="Confusion, test"
        )
        run.log({"test/confusion": confusion, "predictions": wandb.Table(dataframe=predictions)})
        shown = samples(test, threshold)
        planes = pictures(shown["id"].tolist())
        images = [
            wandb.Image(_side_by_side(planes[pair]), caption=f"{kind}: p(ore) {p:.2f}, {pair}")
            for pair, kind, p in zip(shown["id"], shown["kind"], shown["p_ore"], strict=True)
            if pair in planes
        ]
        run.log({"test/pairs": images})
        if self.model:
            artifact = wandb.Artifact(f"model-{run.id}", type="model")
            artifact.add_file(str(ckpt))
            run.log_artifact(artifact, aliases=["best"])

    def close(self, failed: bool) -> None:
        """End the run: Lightning would hand an open one to the next job's logger."""
        wandb.finish(exit_code=int(failed))
        for log in self._folder.glob("*/logs/*"):
            if log.is_symlink():  # to a log in the home folder, which does not move with the run
                log.unlink()


def curves(ore: NDArray[np.bool_], p_ore: NDArray[np.float64]) -> dict[str, tuple[str, pd.DataFrame]]:
    """Return titles and curves, x and y as shares of 1, by key; none for pairs of one class alone.

    `roc` is `false_ore, recall`, `pr` is `recall, precision`, and `reliability` is `p_ore` (mean), `share_ore`
    of equal bins of probability that hold any pair.
    """
    if ore.all() or not ore.any():
        return {}
    false_ore, recall, _ = roc_curve(ore, p_ore)
    precision, found, _ = precision_recall_curve(ore, p_ore)
    share, mean = calibration_curve(ore, p_ore, n_bins=_BINS)
    return {
        "roc": ("ROC", _thin(pd.DataFrame({"false_ore": false_ore, "recall": recall}))),
        "pr": ("Precision and recall", _thin(pd.DataFrame({"recall": found, "precision": precision}))),
        "reliability": ("Reliability", pd.DataFrame({"p_ore": mean, "share_ore": share})),
    }


def samples(test: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the surest right and wrong test pairs of either class, `kind` among their columns."""
    called = np.where(is_ore(test["p_ore"].to_numpy(), threshold), "ore", "waste")
    kind = np.where(test["label"] == called, "rightly called ", "wrongly called ") + called
    surest = test.assign(kind=kind).sort_values("p_ore", key=lambda p: (p - threshold).abs(), ascending=False)
    return surest.groupby("kind").head(_SAMPLES).sort_values("kind", kind="stable")


def _side_by_side(planes: Planes) -> NDArray[np.uint8]:
    """Return low beside high of planes (4, S, S) as one grey picture (4 S, 8 S + gap), each in its own range."""
    low, high = (rescale_intensity(plane, out_range=(0.0, 255.0)) for plane in planes[:2])  # (S, S) each
    pair = np.hstack([low, np.full((len(low), 1), 255.0), high])
    return np.kron(pair, np.ones((_ENLARGED, _ENLARGED))).round().astype(np.uint8)


def _thin(curve: pd.DataFrame) -> pd.DataFrame:
    keep = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), _MOST_POINTS)).round().astype(int))
    return curve.iloc[keep].reset_index(drop=True)
