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
from oresort.learn.checkpoint import load_trained
from oresort.learn.classic import Crops
from oresort.learn.run import finished
from oresort.learn.trained import Trained
from oresort.models.heads.head import p_ore
from oresort.models.inputs import Inputs
from oresort.represent.representation import Planes
from studies.command import oresort
from studies.shift.curve import Curve, bent, fit_curve
from studies.shift.settings import MODELS, SHIFTS, called

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
        home = self.data(MODELS[model].data, seed, self.pairs)
        root = home if shift == "val" else self.data(SHIFTS[shift], seed + self.apart, self.shifted)
        part = "_val" if shift == "val" else ""
        name = f"{root.name}{part}{remedy and '_' + remedy.replace(' ', '-')}"
        file = self.folder / "answers" / f"{called(model)}_s{seed}_n{self.pairs}" / f"{name}.csv"
        if not file.is_file():
            frame = load_manifest(root)
            frame = (frame[frame["split"] == "val"] if shift == "val" else frame).reset_index(drop=True)
            predict = _network(self, model, seed, home) if MODELS[model].words else _boosting(home)
            found = frame[["scan", "label"]].assign(p_ore=predict(root, frame, remedy))
            with replacing(file) as temporary:
                found.to_csv(temporary, index=False, float_format="%.7g")
        return pd.read_csv(file)


@cache
def _network(work: Work, model: str, seed: int, home: Path) -> Predict:
    run = work.folder / "runs" / f"{called(model)}_s{seed}_n{work.pairs}"
    kept = str(work.folder / "cache")
    if not finished(run):
        own = (f"data.root={home}", f"data.cache={kept}", f"out={run}", f"seed={seed}")
        oresort("train", *own, *MODELS[model].words)
    trained = load_trained(run)

    def planes_of(root: Path, frame: pd.DataFrame) -> Planes:
        spec = trained.module.hparams["representation"]
        found = OreDataModule(root, representation=spec, cache=kept).pictures(frame["id"].tolist())
        return np.stack(list(found.values()))

    @cache
    def usual() -> Curve:
        frame = load_manifest(home)
        return fit_curve(planes_of(home, frame[frame["split"] == "train"]))

    def predict(root: Path, frame: pd.DataFrame, remedy: str) -> Vector:
        planes = planes_of(root, frame)
        return classify(trained, normalised(planes, frame["scan"], usual(), remedy) if remedy else planes)

    return predict


@cache
def _boosting(home: Path) -> Predict:
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
