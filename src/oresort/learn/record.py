"""What a run leaves behind of its results, read back as it was written or not at all."""

import hashlib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError, one_line
from oresort.files.layout import CLASSES, SPLITS
from oresort.files.reading import json_of, read_json, read_table
from oresort.sorting import METRICS
from oresort.sorting.decide import decide
from oresort.sorting.probability import check_probabilities, check_threshold

RECORD = "metrics.json"
"""A run's flat row: its status, its configuration as `config.KEY`, and its figures."""

PREDICTIONS = "predictions.csv"
"""What was predicted of every pair of val and test, see `predicted`."""

_STATUS = ("running", "finished", "interrupted", "failed")
_AGAIN = "train that run again, or remove its folder"
_COUNTS = ("params", "epoch", "epochs", "leaking_scans", "leaking_images", *(f"pairs/{side}" for side in SPLITS))


def read_row(file: Path) -> dict[str, Any]:
    """Return a run's flat row, written as `metrics.json`; a figure that is undefined is None.

    Raises:
        InputError: anything else than a run's row: of another shape, or with a figure, a count or, of a finished run,
            a threshold that cannot be one.
    """
    row = read_json(file, _AGAIN)
    if not isinstance(row, dict):
        raise InputError(f"{file}: not the record of a run; {_AGAIN}")
    for key, value in row.items():
        if isinstance(value, dict | list):
            raise InputError(f"{file}: {key}: several values where a run has one; {_AGAIN}")
    _check_kind(file, row)
    if row["status"] == "finished" and not pretrained(row):
        _check_figures(file, row)
    return row


def pretrained(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is of a training without labels, which has no figures of decisions."""
    return any(key.startswith("config.pretext") for key in row)


def parts_of(stretches: object) -> list[int]:
    """Return how many epochs each part of a run has that went on from a finished one; nothing of any other run.

    `stretches` is the value of that key in a run's row; an older run has none.

    Raises:
        InputError: no list of epochs that grow.
    """
    if not isinstance(stretches, str):
        return []
    ends = json_of(stretches.encode())
    if not isinstance(ends, list) or not all(type(end) is int for end in ends) or ends != sorted({0, *ends} - {0}):
        raise InputError(f"{stretches!r} are no ends of parts of a run")
    return [end - begin for begin, end in pairwise([0, *ends])] if len(ends) > 1 else []


def predicted(
    rows: pd.DataFrame, split: str, p_ore: NDArray[np.float32], threshold: float, images: NDArray[np.uint64]
) -> pd.DataFrame:
    """Return what was predicted of rows of a manifest (N,), in their order.

    That is `id, scan, batch, split, label (ore|waste), grade, p_ore, decision (ore|waste), images`. The decision is by
    the threshold alone; a grade that is not known is NaN. The last is a hash of both layers' pixels, made of each one's
    (N, 2), by which a table is known to be of the same images as another.
    """
    table = rows[["id", "scan", "batch"]].assign(split=split, label=[CLASSES[own] for own in rows["label"]])
    table = table.assign(grade=rows["grade"], p_ore=p_ore, decision=decide(p_ore, threshold))
    both = [hashlib.blake2b(one.tobytes(), digest_size=8).hexdigest() for one in images.astype("<u8")]
    return table.assign(images=both).reset_index(drop=True)


def read_predictions(file: Path, row: Mapping[str, Any], split: str) -> pd.DataFrame:
    """Return what a run of this row predicted of `split`, of its `PREDICTIONS`: `id, scan, label (ore|waste), p_ore`.

    And `images`, see `predicted`, if the table has them.

    Raises:
        InputError: no such table, one cut short, or one with a row that cannot be a prediction, or stands there twice.
    """
    table = read_table(file, ("id", "scan", "split", "label", "p_ore"), _AGAIN)
    for column, known in (("split", SPLITS), ("label", CLASSES)):
        if (odd := ~table[column].isin(known)).any():
            raise InputError(f"{file}: {column} {table[column][odd].iloc[0]!r}, none of {', '.join(known)}; {_AGAIN}")
    if (twice := table["id"].duplicated()).any():
        raise InputError(f"{file}: id {table['id'][twice].iloc[0]!r} stands there twice; {_AGAIN}")
    p_ore = _numbers(file, table, "p_ore")
    check_probabilities(p_ore, f"{file}: p_ore")
    mine = (table["split"] == split).to_numpy()
    expected = row.get(f"pairs/{split}")
    if not mine.any() or expected not in (None, int(mine.sum())):
        raise InputError(f"{file}: {mine.sum()} rows of {split}, the run had {expected or 'some'}; {_AGAIN}")
    images = ["images"] if "images" in table else []
    return table.loc[mine, ["id", "scan", "label", *images]].assign(p_ore=p_ore[mine])


def read_epochs(file: Path) -> dict[int, dict[str, float]]:
    """Return the figures of each epoch, written as `metrics.csv`; InputError for any other table."""
    mend = "remove it, and the run goes on without the figures of its earlier epochs"
    table = read_table(file, ("epoch",), mend)
    numbers = {str(name): _numbers(file, table, str(name), mend) for name in table.columns}
    epochs = numbers.pop("epoch")
    whole = (epochs >= 0) & (epochs < 2**31) & (epochs == np.floor(epochs))  # NaN is not
    if len(epochs) != len(set(epochs)) or not whole.all():
        raise InputError(f"{file}: an epoch that is no number of one, or stands there twice; {mend}")
    known = (
        {name: float(values[i]) for name, values in numbers.items() if table[name].iloc[i] != ""}
        for i in range(len(epochs))
    )
    return {int(epoch): {"epoch": int(epoch), **figures} for epoch, figures in zip(epochs, known, strict=True)}


def _check_kind(file: Path, row: Mapping[str, Any]) -> None:
    if row.get("status") not in _STATUS:
        raise InputError(f"{file}: status {row.get('status')!r}, none of {', '.join(_STATUS)}; {_AGAIN}")
    if not isinstance(row.get("name"), str):
        raise InputError(f"{file}: name {row.get('name')!r} is no text; {_AGAIN}")
    for key in ("seed", *_COUNTS):
        value = row.get(key)
        if key == "params" and value is None:
            continue  # of what has no fixed count, such as trees
        if (isinstance(value, bool) or not isinstance(value, int) or value < 0) and (key == "seed" or key in row):
            raise InputError(f"{file}: {key} {value!r} is no whole number of 0 or more; {_AGAIN}")
    try:
        parts_of(row.get("config.stretches"))
    except (InputError, ValueError) as error:
        raise InputError(f"{file}: config.stretches: {one_line(error)}; {_AGAIN}") from error
    for key in ("config.name", "config.row", "config.reference", "data", "error"):
        if not isinstance(row.get(key), str | None):
            raise InputError(f"{file}: {key} {row[key]!r} is no text; {_AGAIN}")


def _check_figures(file: Path, row: Mapping[str, Any]) -> None:
    sides = {key.partition("/")[0] for key in row if key.partition("/")[2] in METRICS} or {"test"}
    for key in ("params", "threshold", *(f"{side}/{name}" for side in sorted(sides) for name in METRICS)):
        if key not in row:
            raise InputError(f"{file}: no {key}; {_AGAIN}")
    for key, value in row.items():
        side, _, name = key.partition("/")
        figure = side in SPLITS and name in METRICS
        least, most = (-1 if name == "mcc" else 0, 1) if figure else (0, np.inf)
        if figure and value is None:  # undefined, as precision where nothing is called ore
            continue
        if (figure or key in ("threshold", "fit_seconds", "test_seconds")) and (
            isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most
        ):
            raise InputError(f"{file}: {key} {value!r} is no such figure; {_AGAIN}")
    check_threshold(row["threshold"], f"{file}: threshold")


def _numbers(file: Path, table: pd.DataFrame, column: str, mend: str = _AGAIN) -> NDArray[np.float64]:
    """Return a column's numbers (N,), NaN where a cell is empty; InputError for anything else in it."""
    text = table[column].to_numpy(object)
    try:
        return np.array([float(cell) if cell else np.nan for cell in text], np.float64)
    except ValueError as error:
        raise InputError(f"{file}: {column}: {one_line(error)}; {mend}") from error
