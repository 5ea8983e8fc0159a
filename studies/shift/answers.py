"""Probabilities of ore of each model on each dataset, kept in the study's folder: what is there is not made again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from oresort.classic.learners import GradientBoosting
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.files.layout import CLASSES
from oresort.files.manifest import load_manifest
from oresort.files.write import replacing
from oresort.learn.checkpoint import Trained, load_trained
from oresort.learn.classic import Crops
from oresort.learn.run import finished
from oresort.models.heads.head import p_ore
from oresort.models.inputs import Inputs
from oresort.represent.representation import Planes
from studies.command import oresort
from studies.shift.curve import Curve, bent, fit_curve
from studies.shift.settings import MODELS, SHIFTS

BY_BELT, BY_SCAN = "normalised by belt", "normalised by scan"
_BATCH = 256

Vector = NDArray[np.float64]
Predict = Callable[[Path, pd.DataFrame, str], Vector]  # a dataset's root, rows of it, remedy


@dataclass(frozen=True)
class Work:
    """Where datasets, runs and answers lie, and how large they are.

    A model of a seed learns from `pairs` simulated with it, and meets `shifted` pairs of each shift, simulated with
    the seed plus `apart`.
    """

    folder: Path
    pairs: int
    shifted: int
    epochs: int
    apart: int

    def data(self, words: tuple[str, ...], seed: int, pairs: int) -> Path:
        """Return the dataset of these words, simulated unless it is there."""
        name = "_".join(word.translate(str.maketrans("=,", "--", "[]")) for word in words) or "plain"
        folder = self.folder / "data" / f"{name}_s{seed}_n{pairs}"
        if not folder.is_dir():
            oresort("simulate", f"out={folder}", f"pairs={pairs}", f"seed={seed}", *words)
        return folder

    def answers(self, model: str, seed: int, shift: str, remedy: str = "") -> pd.DataFrame:
        """Return `scan, label (ore 1), p_ore` of a shift's pairs, or of the validation pairs where `shift` is `val`."""
        file = self.folder / "answers" / f"s{seed}" / f"{model}, {shift}{remedy and ', ' + remedy}.csv"
        if not file.is_file():
            home = self.data(MODELS[model].data, seed, self.pairs)
            root = home if shift == "val" else self.data(SHIFTS[shift], seed + self.apart, self.shifted)
            frame = load_manifest(root)
            frame = (frame[frame["split"] == "val"] if shift == "val" else frame).reset_index(drop=True)
            predict = _classic(home) if not MODELS[model].words else self._network(model, seed, home)
            found = frame[["scan", "label"]].assign(p_ore=predict(root, frame, remedy))
            with replacing(file) as temporary:
                found.to_csv(temporary, index=False, float_format="%.7g")
        return pd.read_csv(file)

    def _network(self, model: str, seed: int, home: Path) -> Predict:
        run = self.folder / "runs" / f"{model}_s{seed}_e{self.epochs}"
        if not finished(run):
            own = (f"data.root={home}", f"data.cache={self.folder / 'cache'}", f"out={run}", f"seed={seed}")
            oresort("train", *own, f"trainer.max_epochs={self.epochs}", *MODELS[model].words)
        trained = load_trained(run)

        def predict(root: Path, frame: pd.DataFrame, remedy: str) -> Vector:
            planes = self._planes(root, trained, frame)
            if remedy:
                home_frame = load_manifest(home)
                usual = fit_curve(self._planes(home, trained, home_frame[home_frame["split"] == "train"]))
                planes = normalised(planes, frame["scan"], usual, remedy)
            return classify(trained, planes)

        return predict

    def _planes(self, root: Path, trained: Trained, frame: pd.DataFrame) -> Planes:
        spec, cache_folder = trained.module.hparams["representation"], str(self.folder / "cache")
        planes = OreDataModule(root, representation=spec, cache=cache_folder).pictures(frame["id"].tolist())
        return np.stack(list(planes.values()))


@cache
def _classic(home: Path) -> Predict:
    frame, method = load_manifest(home), GradientBoosting()
    train = frame[frame["split"] == "train"]
    method.fit(Crops(train, home, "train"), train["label"].to_numpy(np.int64), seed=0)

    def predict(root: Path, rows: pd.DataFrame, remedy: str) -> Vector:
        if remedy:
            raise InputError(f"remedy={remedy}: for networks alone")
        return method.p_ore(Crops(rows, root, root.name))

    return predict


def classify(trained: Trained, planes: Planes) -> Vector:
    """Return a network's probabilities of ore (N,) of planes (N, 4, S, S)."""
    inputs, found = Inputs(trained.representation), [np.zeros(0)]
    with torch.inference_mode():
        for start in range(0, len(planes), _BATCH):
            logits = trained.module(*inputs(torch.from_numpy(planes[start : start + _BATCH])))
            found.append(p_ore(logits, trained.module.temperature).double().numpy())
    return np.concatenate(found)


def normalised(planes: Planes, scans: "pd.Series[str]", usual: Curve, remedy: str) -> Planes:
    """Return planes bent so that their particles' own curve, of all or of each scan, is the `usual` one."""
    groups = scans.to_numpy() if remedy == BY_SCAN else np.zeros(len(scans))
    made = planes.copy()
    for group in np.unique(groups):
        rows = groups == group
        made[rows] = bent(planes[rows], fit_curve(planes[rows]), usual)
    return made


def labels(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return where answers are of ore."""
    return (frame["label"] == CLASSES.index("ore")).to_numpy()
