"""A model of grades: what it learns from the manifest, and another cut-off without another training."""

import math
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.learn.module import OreModule
from oresort.models.grade import LEAST
from oresort.models.heads.head import p_ore
from oresort.sorting.drift import count_answers
from oresort.sorting.lot import Lot
from oresort.sorting.operating import Operating
from oresort.sorting.point import Point, choose_point
from oresort.sorting.temperature import choose_temperature

Vector = NDArray[np.float64]
Graded = NDArray[np.float32]
"""Mean and scale of ln(grade) as a model told them, and ln(grade) as assayed, of N pairs (N, 3)."""

_INSIDE = 0.9  # share of pairs that an interval shall hold


def learn_grades(module: OreModule, data: OreDataModule) -> None:
    """Give a model what it learns from: ln(grade) of all pairs, and their centre and spread in training.

    Raises:
        InputError: no cut-off, or a grade of 0 or too small to be one.
    """
    reading = module.net.reading
    assert reading is not None
    frame, cutoff = data.frame, data.settings.cutoff
    if cutoff is None:
        raise InputError("task=grade: ore is what reaches a cut-off; give it in wt %, e.g. cutoff=0.1")
    logs = np.log(checked_grades(frame, data.root))
    train = logs[(frame["split"] == "train").to_numpy()]
    module.objective.log_grade = torch.from_numpy(logs.astype(np.float32)).to(module.device)
    for buffer, value in ((reading.center, train.mean()), (reading.spread, train.std()), (reading.cutoff, cutoff)):
        buffer.fill_(float(value) if buffer is not reading.cutoff else math.log(cutoff))


def checked_grades(frame: pd.DataFrame, root: str | Path) -> Vector:
    """Return the grades (N,) of a manifest's rows, all of which have a logarithm.

    Raises:
        InputError: a grade of 0 or too small to be one, or that is not known.
    """
    grade = frame["grade"].to_numpy(np.float64)
    if (low := ~(grade >= LEAST)).any():  # NaN is none
        name, value = frame["id"].to_numpy()[low][0], grade[low][0]
        raise InputError(
            f"{root}: id {name!r} has grade {value:g}, which has no logarithm to learn ({int(low.sum()):,} of "
            f"{len(grade):,} pairs); give half the assay's detection limit, or leave the cell empty"
        )
    return grade


def set_cutoff(
    module: OreModule, cutoff: float, known: Lot | None, graded: Graded | None, point: Point, what: str
) -> tuple[Lot, Point]:
    """Let a model of grades call ore what reaches `cutoff`, wt %; return its validation pairs and its point as of now.

    Temperature and operating point are chosen anew, by the rules of its training, on the validation pairs `known`, of
    whose grades `graded` tells; a threshold that was given as a number stays.

    Raises:
        InputError: a model of classes, no number above 0 to 100, a model that knows no validation pairs, a cut-off
            beyond all of them, or a rule that cannot be followed again; `what` names the model.
    """
    reading = module.net.reading
    if reading is None:
        raise InputError(f"cutoff={cutoff:g}: {what} learned classes, not grades; train with task=grade")
    if not LEAST <= cutoff <= 100:
        raise InputError(f"cutoff={cutoff}: give wt % above 0 and at most 100")
    if known is None or graded is None or not len(graded):
        raise InputError(f"cutoff={cutoff:g}: {what} knows no validation pairs to choose by; finish its training")
    if point.rule == "value":
        raise InputError(f"cutoff={cutoff:g}: the threshold of {what} was chosen by prices, which it does not hold; "
                         "train with another rule, and say threshold=value afterwards")  # fmt: skip
    ore = graded[:, 2] >= np.float32(math.log(cutoff))
    if ore.all() or not ore.any():
        ends = [math.exp(float(end)) for end in (graded[:, 2].min(), graded[:, 2].max())]
        raise InputError(
            f"cutoff={cutoff:g}: {what} was validated on {len(graded):,} pairs of {ends[0]:.3g} to {ends[1]:.3g} wt %, "
            "all on one side of it; give one between"
        )
    margin = (graded[:, 0] - math.log(cutoff)) / graded[:, 1]  # (N,)
    logits = torch.from_numpy(np.stack([np.zeros_like(margin), margin], axis=1))
    temperature = choose_temperature(module.hparams["temperature"], logits.numpy(), ore.astype(np.int64))
    answers = p_ore(logits, temperature).numpy()
    lot = replace(known, p_ore=answers, ore=ore)
    moved = point
    if point.rule != "given":
        kept = {key: point.promise[key] for key in ("recovery", "confidence", "of") if key in point.promise}
        operating = Operating(**kept, lost_ore=module.hparams["lost_ore"])
        moved = replace(choose_point(point.rule, lot, operating), band=point.band)
    reading.cutoff.fill_(math.log(cutoff))
    module.temperature.fill_(temperature)
    module.seen["p_ore"] = count_answers(answers)
    return lot, moved


def read_graded(content: object, count: int) -> Graded:
    """Return what a checkpoint keeps of the grades of its `count` validation pairs.

    Raises:
        InputError: anything else than finite numbers with scales above 0.
    """
    if not isinstance(content, torch.Tensor) or content.shape != (count, 3):
        raise InputError("graded: not the grades of its validation pairs")
    found = content.float().numpy()
    if not np.isfinite(found).all() or not (found[:, 1] > 0).all():
        raise InputError("graded: not finite means, scales above 0 and grades")
    return found


class GradeFigures(NamedTuple):
    """How well grades are told, in units of ln(grade); shares of 1."""

    rmse: float
    rmse_blind: float  # of telling all pairs the training pairs' mean
    correlation: float  # NaN where either is the same for all
    covered: float  # share of pairs within their interval of 90 %; NaN where there is none


def grade_figures(graded: Graded, center: float, factor: float) -> GradeFigures:
    """Return how well grades are told, with intervals of `factor` scales."""
    mean, scale, truth = np.asarray(graded, np.float64).T
    alike = mean.std() == 0 or truth.std() == 0
    return GradeFigures(
        float(np.sqrt(((truth - mean) ** 2).mean())),
        float(np.sqrt(((truth - center) ** 2).mean())),
        math.nan if alike else float(np.corrcoef(mean, truth)[0, 1]),
        float((np.abs(truth - mean) <= factor * scale).mean()) if math.isfinite(factor) else math.nan,
    )


def interval_factor(graded: Graded | None) -> float:
    """Return how many scales an interval reaches either side, so that it holds 90 % of pairs like the validation's.

    Split conformal prediction: the quantile of the distances at rank (N + 1) 0.9, infinite where there are too few.
    """
    if graded is None:
        return math.inf
    mean, scale, truth = np.asarray(graded, np.float64).T
    rank = math.ceil((len(graded) + 1) * _INSIDE)
    return math.inf if rank > len(graded) else float(np.sort(np.abs(truth - mean) / scale)[rank - 1])


def grade_columns(told: Graded, factor: float) -> dict[str, Vector]:
    """Return the median grade and the ends of its interval, wt %, of what a model told (N, 3)."""
    mean, scale, _ = np.asarray(told, np.float64).T
    reach = scale * factor
    if not math.isfinite(factor):
        return {"told_grade": np.exp(mean)}
    return {"told_grade": np.exp(mean), "told_low": np.exp(mean - reach), "told_high": np.exp(mean + reach)}
