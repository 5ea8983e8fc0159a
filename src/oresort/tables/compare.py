"""Two or more models on the same pairs: figures, their differences to the first model's, and how sure those are."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oresort.errors import InputError
from oresort.sorting.decide import is_ore
from oresort.sorting.paired import delong, mcnemar
from oresort.tables.answers import Answers
from oresort.tables.bootstrap import COMPARABLE, Run, paired_difference, weighted_metric

FEW_SCANS = 20
"""Below so many scans the interval over them is known to come out too narrow."""

_DELONG = ("auroc", "auroc_error", "delong_difference", "delong_low", "delong_high", "delong_p")
_OTHER = {"label": "another label", "scan": "another scan", "images": "other images"}
_MCNEMAR = ("right_alone", "reference_right_alone", "mcnemar_p")


class Comparison(NamedTuple):
    """What `compare` found.

    `figures` has rows `model, metric, value, difference, low, high`, differences less the first model's, with an
    interval over scans; `tests` a row for each model: `model, threshold, auroc, auroc_error`, and but for the first
    `delong_difference, delong_low, delong_high, delong_p, right_alone, reference_right_alone, mcnemar_p`. What is
    undefined is NaN. `notes` say what a reader must know.
    """

    runs: list[Run]  # of the pairs that were compared, in the order of `figures`
    figures: pd.DataFrame
    tests: pd.DataFrame
    pairs: int
    scans: int
    notes: tuple[str, ...]


def compare(answers: Sequence[Answers], resamples: int = 1000, seed: int = 0, common: bool = False) -> Comparison:
    """Compare models with the first one, on the pairs that all answered.

    Raises:
        InputError: fewer than two models, one named twice, pairs that are not the same (but with `common`, where those
            of all are taken), none in common, or a pair with another class or scan.
    """
    names = [one.name for one in answers]
    if len(names) < 2:
        raise InputError("models: give two or more, e.g. models=[runs/a,runs/b]; the first is the reference")
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"models: {twice[0]} stands there twice; name each once")
    notes = [f"{one.name}: {one.note}" for one in answers if one.note]
    runs, shared = _aligned(answers, common)
    notes += shared
    table = runs[0].predictions
    scans = table["scan"].nunique()
    if scans < 2:
        notes.append("one scan alone: no interval over scans, and none of independent particles stands in for it")
    elif scans < FEW_SCANS:
        notes.append(f"{scans} scans: the interval over so few is too narrow; measure on {FEW_SCANS} or more")
    if (table["label"] == "ore").nunique() < 2:
        notes.append(f"all pairs are {table['label'].iloc[0]}: what needs both classes is left out")
    if len(names) > 2:
        notes.append(f"{len(names) - 1} models are each compared by themselves: chance has as many tries to look real")
    figures = [
        row for name, run in zip(names, runs, strict=True) for row in _figures(name, run, runs[0], resamples, seed)
    ]
    tests = [_tests(name, run, runs[0]) for name, run in zip(names, runs, strict=True)]
    frame = pd.DataFrame(tests, columns=["model", "threshold", *_DELONG, *_MCNEMAR])
    return Comparison(runs, pd.DataFrame(figures), frame, len(table), scans, tuple(notes))


def _aligned(answers: Sequence[Answers], common: bool) -> tuple[list[Run], list[str]]:
    """Return the models' runs on the same pairs in one order, and what must be said of those left out."""
    tables = [one.run.predictions.set_index("id").sort_index() for one in answers]
    first, reference = tables[0], answers[0].name
    shared = first.index
    for table in tables[1:]:
        shared = shared.intersection(table.index)
    notes = []
    for one, table in zip(answers, tables, strict=True):
        if len(shared) == len(table):
            continue
        if not len(shared):
            raise InputError(f"models: no pair that all of {', '.join(o.name for o in answers)} answered; name others")
        if not common:
            other = next(o.name for o, t in zip(answers, tables, strict=True) if not t.index.equals(table.index))
            raise InputError(
                f"{one.name}: {len(table):,} pairs that are not those of {other}; compare models on the same split, "
                f"or on the {len(shared):,} pairs of all by common=true"
            )
        notes.append(f"{one.name}: {len(shared):,} of its {len(table):,} pairs, which all models answered")
    found, known = [], "images" in first
    for one, table in zip(answers, tables, strict=True):
        part = table.loc[shared]
        if "images" not in table:
            notes.append(f"{one.name}: no hashes of images in its table: its pairs are known by names alone")
        for column in ("label", "scan", *(["images"] if known and "images" in table else [])):
            theirs = first.loc[shared, column]
            if (odd := (part[column] != theirs).to_numpy()).any():
                name = shared[odd][0]
                raise InputError(
                    f"{one.name}: {odd.sum():,} pairs have {_OTHER[column]}, id {name!r} {part[column][name]!r} and "
                    f"{theirs[name]!r} in {reference}; compare models on pairs of the same manifest"
                )
        found.append(Run(part.reset_index(), one.run.threshold))
    return found, notes


def _figures(name: str, run: Run, reference: Run, resamples: int, seed: int) -> list[dict[str, Any]]:
    p_ore, ore = _columns(run)
    once = np.ones((1, len(ore)))
    rows = []
    for metric in COMPARABLE:
        value = float(weighted_metric(metric, p_ore, ore, run.threshold, once)[0])
        row = {"model": name, "metric": metric, "value": value, "difference": np.nan, "low": np.nan, "high": np.nan}
        if run is not reference:
            base = float(weighted_metric(metric, _columns(reference)[0], ore, reference.threshold, once)[0])
            row["difference"] = value - base
            drawn = resamples and run.predictions["scan"].nunique() > 1
            if drawn and (found := paired_difference([run], [reference], metric, resamples, seed)) is not None:
                row |= {"low": found.low, "high": found.high}
        rows.append(row)
    return rows


def _tests(name: str, run: Run, reference: Run) -> dict[str, Any]:
    p_ore, ore = _columns(run)
    theirs, _ = _columns(reference)
    found = delong(p_ore, theirs, ore)
    row = {"model": name, "threshold": run.threshold, "auroc": found.auroc[0], "auroc_error": found.error[0]}
    if run is not reference:
        signs = mcnemar(is_ore(p_ore, run.threshold), is_ore(theirs, reference.threshold), ore)
        row |= {"delong_difference": found.difference, "delong_low": found.low, "delong_high": found.high}
        row |= {"delong_p": found.p, **dict(zip(_MCNEMAR, signs, strict=True))}
    return row


def _columns(run: Run) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.bool_]]]:
    return run.predictions["p_ore"].to_numpy(np.float64), (run.predictions["label"] == "ore").to_numpy()
