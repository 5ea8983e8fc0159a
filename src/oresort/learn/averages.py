"""The mean of several answers: of models (seeds, rows), of the views of a particle, or of both."""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from oresort.data.datamodule import OreDataModule
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.learn.asking import Answered, answers, opened, seen_before
from oresort.learn.evaluation import Evaluation, describe, judged
from oresort.learn.lot import lot_of
from oresort.learn.seen import unlike
from oresort.learn.trained import Trained, device_named
from oresort.sorting.operating import OF_LABELS, Operating, check_used
from oresort.sorting.point import Point, choose_point
from oresort.sorting.prices import Prices


class Part(NamedTuple):
    """A line of the table: one model alone, or a mean."""

    name: str
    passes: int  # of the network, for each pair
    pairs_per_second: float  # as measured, with the time to read prepared pairs
    threshold: float
    metrics: dict[str, float]


class Average(NamedTuple):
    """What the mean of answers does on one split, and what each of its models does alone."""

    result: Evaluation  # of the mean; `model["models"]` are its models
    parts: list[Part]  # each model alone, then the mean of models and that of views, the whole one last


class _Model(NamedTuple):
    trained: Trained
    data: OreDataModule
    views: tuple[int, ...]


def evaluate_average(
    ckpts: Sequence[str],
    root: str | Path,
    split: str = "test",
    *,
    tta: bool = False,
    device: str = "auto",
    threshold: str | float | None = None,
    operating: Operating = Operating(),  # noqa: B008  # never changed
    band: float | None = None,
    prices: Prices | None = None,
    cutoff: float | None = None,
    cache: str | Path | None = None,
    follow_links: bool = False,
) -> Average:
    """Measure the mean of models' probabilities of ore, with `tta` over the turns that each one's training drew, too.

    Each model answers by its own representation and temperature. The threshold of the mean is chosen on the means of
    the dataset's validation pairs, by `threshold` or else by the rule of the models; it is none of theirs. Other
    arguments are those of `evaluate_checkpoint`.

    Raises:
        InputError: as `evaluate_checkpoint`, models of other pairs, classes or splits than the first, rules or bands
            that differ, or turns of a model that has learned none or tells grades.
    """
    check_used(threshold, operating)
    place = device_named(device)
    models: list[_Model] = []
    for ckpt in ckpts:
        before = models[-1].data if models else None
        trained, data = opened(ckpt, root, cutoff=cutoff, cache=cache, follow_links=follow_links, data=before)
        models.append(_Model(trained, data, _views(trained, data) if tta else (0,)))
        _check_pairs(models[0], models[-1], split)
    rule, kept = _rule(models, threshold), _band(models, band)
    # validation first, so that no model is timed in its first call
    known, asked = ([_ask(model, side, place) for model in models] for side in ("val", split))
    data, rows = models[0].data, asked[0].rows

    def point_of(views: slice) -> Point:
        if not isinstance(rule, str):
            return Point(rule, band=kept)
        lot = lot_of(data.frame.iloc[known[0].rows], data.root, _mean(known, views)).lot
        return replace(choose_point(rule, lot, operating, prices), band=kept)

    parts = []
    for model, one in zip(models, asked, strict=True):
        point = model.trained.point
        figures = judged(data, split, rows, one.p_ore[0], point).metrics
        parts.append(Part(str(model.trained.file), 1, len(rows) / one.seconds[0], point.threshold, figures))
    for views in [slice(0, 1)] * (len(models) > 1) + [slice(None)] * tta:
        point, every = point_of(views), views.stop is None
        found = judged(data, split, rows, _mean(asked, views), point)
        passes = sum(len(one.p_ore[views]) for one in asked)
        speed = len(rows) / sum(one.seconds[every] for one in asked)
        name = "mean" + (f" of {len(models)} models" if len(models) > 1 else "") + (", all turns" if every else "")
        parts.append(Part(name, passes, speed, point.threshold, found.metrics))
    described = {
        "models": [
            {
                **describe(m.trained),
                **seen_before(m.trained, m.data, split),
                "unlike": unlike(m.trained.seen, m.data),
            }
            for m in models
        ],
        **{"pairs": data.fingerprint(), **data.leakage()},
    }
    grade = {} if data.settings.cutoff is None else {"cutoff": float(data.settings.cutoff)}
    result = Evaluation(
        found.metrics, point.threshold, found.predictions, found.pairs, described, point, data.root, None, grade
    )
    return Average(result, parts)


def _ask(model: _Model, split: str, place: torch.device) -> Answered:
    return answers(model.trained, model.data, split, place, model.views)


def _mean(asked: Sequence[Answered], views: slice) -> NDArray[np.float32]:
    """Return the mean over models of each one's mean over some of its views (N,)."""
    means = [one.p_ore[views].mean(axis=0, dtype=np.float64) for one in asked]
    return np.asarray(np.mean(means, axis=0), np.float32)


def _views(trained: Trained, data: OreDataModule) -> tuple[int, ...]:
    if trained.module.net.reading is not None:
        raise InputError(f"{trained.file}: tta=true: a model of grades, whose interval has no mean; leave tta out")
    views = data.augmentation.views
    if len(views) == 1:
        raise InputError(f"{trained.file}: tta=true: its training drew no turns (augment); leave tta out")
    return views


def _check_pairs(first: _Model, model: _Model, split: str) -> None:
    """Refuse a model of other pairs, sides or classes than the first: it may know what the mean is tested on."""
    name, known = model.trained.file, first.trained.file
    cutoffs = {one.trained.cutoff for one in (first, model)} - {None}
    if len(cutoffs) > 1 or first.data.settings.cutoff != model.data.settings.cutoff:
        raise InputError(f"{name}: of another cut-off than {known}; say cutoff= for both, or average models of one")
    for side in dict.fromkeys((split, "val")):
        frames = (one.data.frame for one in (first, model))
        ours, theirs = (f.loc[f["split"] == side, ["id", "label", "scan"]].reset_index(drop=True) for f in frames)
        if not ours.equals(theirs):
            own, other = (asdict(one.data.settings) for one in (model, first))
            keys = [key.name for key in fields(PairsConfig) if own[key.name] != other[key.name]]
            why = "".join(f", data.{key} is {own[key]} there and {other[key]} here" for key in keys)
            raise InputError(f"{name}: its {side} pairs are not those of {known}{why}; average models of one split")


def _rule(models: Sequence[_Model], threshold: str | float | None) -> str | float:
    """Return the rule that chooses the threshold of the mean, or the number that all models were given."""
    if threshold is not None:
        return threshold
    points = [model.trained.point for model in models]
    rules, numbers = sorted({point.rule for point in points}), {point.threshold for point in points}
    if rules == ["given"] and len(numbers) == 1:
        return numbers.pop()
    if len(rules) == 1 and rules[0] in OF_LABELS and rules[0] != "cost":  # which has a price that is not known here
        return rules[0]
    by = " and ".join(rules)
    raise InputError(f"threshold: the models have theirs {by}; say how that of the mean is chosen, e.g. threshold=f1")


def _band(models: Sequence[_Model], band: float | None) -> float:
    bands = {model.trained.point.band for model in models}
    if band is None and len(bands) > 1:
        raise InputError("band: the models have several; say which the mean has, e.g. band=0")
    return bands.pop() if band is None else band
