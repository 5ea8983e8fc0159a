"""A checkpoint's figures on one split of a dataset; training reports its own figures through this, too."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from oresort.data.datamodule import OreDataModule
from oresort.files.record import flatten
from oresort.learn.asking import answers, opened, seen_before
from oresort.learn.grades import Graded, checked_grades, grade_columns, grade_figures, interval_factor
from oresort.learn.lot import lot_of
from oresort.learn.metrics import binary_metrics
from oresort.learn.record import predicted
from oresort.learn.seen import unlike
from oresort.learn.trained import Trained, device_named
from oresort.sorting.operating import Operating, check_used
from oresort.sorting.point import Point, choose_point
from oresort.sorting.prices import Prices


class Evaluation(NamedTuple):
    """What a checkpoint does on one split."""

    metrics: dict[str, float]
    threshold: float
    predictions: pd.DataFrame  # see `oresort.learn.record.predicted`, in the manifest's order
    pairs: pd.DataFrame  # the same rows of the manifest, and `attenuation`: mean h of the particle, NaN if not known
    model: dict[str, Any]  # what its file, its settings and its training data are
    point: Point  # the threshold, and where it is from
    root: Path  # of the dataset
    graded: Graded | None  # mean and scale of ln(grade) as told, ln(grade) as assayed, (N, 3); of a model of grades
    grade: dict[str, float]  # of labels by grade: `cutoff` in wt %; of a model of grades also its `GradeFigures`

    @property
    def told(self) -> list[str]:
        """What must be said of labels by grade, and of a model of grades."""
        lines = [f"ore: a grade of at least {self.grade['cutoff']:g} wt %"] if self.grade else []
        if "rmse" in self.grade:
            g = self.grade
            text = f"ln(grade): off by {g['rmse']:.3f} ({g['rmse_blind']:.3f} without a look)"
            text += "" if np.isnan(g["correlation"]) else f", correlation {g['correlation']:.3f}"
            within = f", {100 * g['covered']:.1f} % of pairs within their interval of 90 %"
            lines.append(text + ("" if np.isnan(g["covered"]) else within))
        return lines

    @property
    def warnings(self) -> list[str]:
        """What makes its figures too good, pairs that a model was trained on; and what is not as in training."""
        count, models = len(self.pairs), self.model.get("models", [self.model])
        text = "{}: leakage: the model was trained on {:,} of these {:,} pairs, so figures are too good"
        leaks = [text.format(m["file"], m["trained_on"], count) for m in models if m.get("trained_on")]
        return leaks + [f"{m['file']}: not as in training: {alarm}" for m in models for alarm in m.get("unlike", [])]


def evaluate_checkpoint(
    ckpt: str | Path,
    root: str | Path,
    split: str = "test",
    *,
    device: str = "auto",
    threshold: str | float | None = None,
    operating: Operating = Operating(),  # noqa: B008  # never changed
    band: float | None = None,
    prices: Prices | None = None,
    cutoff: float | None = None,
    cache: str | Path | None = None,
    follow_links: bool = False,
    data: OreDataModule | None = None,
) -> Evaluation:
    """Classify one split (train, val, test) of a dataset as the checkpoint's own run did, and measure it.

    Which pairs are in the split follows from the dataset in `root` and from the checkpoint's settings. `threshold`
    stands in place of the one saved with the model; a rule chooses it, with `operating` and `prices`, on the validation
    pairs that the checkpoint knows of, else on those of the dataset; `band` stands in place of the saved one. With
    `cutoff` (wt %) ore is what reaches it, whatever labels say; a model of grades answers for it, one of classes is
    judged by it as it is. Without
    `cache`, prepared pairs lie in the dataset; `follow_links` lets links in it lead out, whatever the checkpoint says.
    `data` is taken in place of reading the dataset again, if its settings are the checkpoint's.

    Raises:
        InputError: what the checkpoint, the dataset or an argument has wrong.
    """
    check_used(threshold, operating)
    fresh = data is None  # a run's own pairs are not held against themselves
    trained, data = opened(ckpt, root, cutoff=cutoff, cache=cache, follow_links=follow_links, data=data)
    reading = trained.module.net.reading
    place = device_named(device)
    point, known = trained.point, trained.known
    if reading is None and cutoff is not None and cutoff != trained.data.get("cutoff"):
        # what it knows and promises is of other classes
        point, known = replace(point, promise={}), None
    if threshold is not None:
        if known is None and isinstance(threshold, str):
            asked = answers(trained, data, "val", place)
            known = lot_of(data.frame.iloc[asked.rows], data.root, asked.p_ore[0]).lot
        own_band = point.band
        point = Point(float(threshold)) if known is None else choose_point(threshold, known, operating, prices)
        point = replace(point, band=own_band)
    if band is not None:
        point = replace(point, band=band)
    asked = answers(trained, data, split, place)
    found = judged(data, split, asked.rows, asked.p_ore[0], point)
    grade = {} if data.settings.cutoff is None else {"cutoff": float(data.settings.cutoff)}
    graded, predictions = None, found.predictions
    if reading is not None:
        rows = data.frame.iloc[asked.rows]
        graded = np.column_stack([asked.told, np.log(checked_grades(rows, data.root))]).astype(np.float32)  # (N, 3)
        factor = interval_factor(trained.graded)
        predictions = predictions.assign(**grade_columns(graded, factor))
        grade |= grade_figures(graded, float(reading.center), factor)._asdict()
    model = {**describe(trained), "pairs": data.fingerprint(), **data.leakage(), **seen_before(trained, data, split)}
    model |= {"unlike": unlike(trained.seen, data)} if fresh else {}
    return Evaluation(found.metrics, point.threshold, predictions, found.pairs, model, point, data.root, graded, grade)


class Judged(NamedTuple):
    """Probabilities of a split beside its labels."""

    metrics: dict[str, float]
    predictions: pd.DataFrame  # as in `Evaluation`
    pairs: pd.DataFrame  # as in `Evaluation`


def judged(
    data: OreDataModule, split: str, index: NDArray[np.int64], p_ore: NDArray[np.float32], point: Point
) -> Judged:
    """Measure probabilities of ore (N,) of the rows `index` (N,) of a dataset at an operating point."""
    rows = data.frame.iloc[index]
    predictions = predicted(rows, split, p_ore, point.threshold, data.images(index))
    metrics = binary_metrics(torch.from_numpy(p_ore), torch.tensor(rows["label"].tolist()), point.threshold)
    mine = rows.assign(attenuation=mean_attenuation(data, index)).reset_index(drop=True)
    return Judged(metrics, predictions, mine)


def mean_attenuation(data: OreDataModule, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return h = ln(air / high) on average over each particle (N,), NaN where the planes are not attenuations."""
    if data.representation.unit != "attenuation":
        return np.full(len(rows), np.nan)
    found = np.full(len(rows), np.nan)
    for place, row in enumerate(rows):  # one at a time: all planes need not be in memory
        value, cover = data.planes[row, 1], data.planes[row, 3]  # (S, S) each
        if (seen := float(cover.sum())) > 0:
            found[place] = float(value.sum()) / seen
    return found


def describe(trained: Trained) -> dict[str, Any]:
    """Return what a page says of a model, in plain values."""
    settings = trained.module.hparams
    return {
        **trained.describe(),
        "params": sum(parameter.numel() for parameter in trained.module.net.parameters()),
        "threshold": trained.threshold,
        "temperature": trained.temperature,
        "model": flatten(settings["model"]),
        "representation": flatten(settings["representation"]),
        "cut": None if trained.cut is None else asdict(trained.cut),
    }
