"""Weights & Biases beside the run folder: curves, tables, pairs and the model file, offline unless told otherwise."""

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import wandb
from lightning.pytorch.loggers import WandbLogger
from numpy.typing import NDArray
from skimage.exposure import rescale_intensity
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from oresort.errors import InputError, one_line
from oresort.files.write import replacing
from oresort.learn.tracking import Pictures, ResultLogger
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
        InputError: an unknown mode, or a server that cannot be reached.
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
        timeout: float = 30,
        model: bool = True,
    ) -> None:
        if mode not in _MODES:
            raise InputError(f"logger.wandb.mode={mode}: known are {', '.join(_MODES)}")
        folder = Path(save_dir)
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ["WANDB_DATA_DIR"] = str(folder.resolve())  # not in the home folder
        file = folder / "id.txt"  # kept, so that a killed run goes on as the same run of the service
        if not file.is_file():
            with replacing(file) as temporary:
                temporary.write_text(uuid.uuid4().hex[:8])
        self.model = model
        super().__init__(
            save_dir=str(folder.parent), name=name, id=file.read_text().strip(), project=project, entity=entity,
            group=group, job_type=job_type, tags=list(tags), notes=notes, mode=mode, resume="allow",
            settings=wandb.Settings(init_timeout=timeout, console="off"),
        )  # fmt: skip
        self._wandb_init.pop("anonymous", None)  # Lightning hands it on unasked, and the service warns of it
        try:
            _ = self.experiment
        except (wandb.errors.CommError, wandb.errors.UsageError) as error:
            raise InputError(f"logger=wandb: {one_line(error)}; use logger.wandb.mode=offline") from error

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
