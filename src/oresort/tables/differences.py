"""What the predictions of runs tell of the rows of a report: differences to the reference row, figures over folds."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from oresort.errors import InputError, one_line
from oresort.learn.record import PREDICTIONS, RECORD, read_predictions, read_row
from oresort.tables.bootstrap import Run, same_pairs
from oresort.tables.folds import by_fold, difference, pool_rows

_NONE = (None, float("nan"), float("nan"), float("nan"))
_COLUMNS = ("difference_metric", "difference", "difference_low", "difference_high", "no_difference")


def with_intervals(frame: pd.DataFrame, split: str, metric: str, resamples: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return rows with their differences to the `reference` of their `table`, and why runs are damaged, by run.

    Only a row that saw the same pairs is compared. Where there is no difference though a reference is named,
    `no_difference` says why. `title` is what an experiment calls a row. Rows of folds also get their `pooled` figures.
    """
    load = cache(lambda run: _load_run(Path(run), split))
    judge = partial(_damaged, load=load)
    found: dict[Any, tuple[Any, ...]] = {}
    damaged: dict[str, str] = {}
    for _, table in frame[frame["reference"] != ""].groupby(["table", "reference"], sort=False):
        called = table["reference"].iloc[0]
        references = frame[
            (frame["table"] == table["table"].iloc[0]) & ((frame["row"] == called) | (frame["title"] == called))
        ]
        for index, row in table.drop(index=references.index, errors="ignore").iterrows():
            same = references[references["data"] == row["data"]]
            if len(same) != 1:
                why = f"{len(same) or 'no'} rows here are its reference {called}"
                found[index] = (*_NONE, why if len(same) or references.empty else f"{called} saw other pairs")
                continue
            own, other = row["cells"], same["cells"].item()
            if wrong := by_fold(judge, other, own):
                damaged |= wrong
                found[index] = (*_NONE, f"{next(iter(wrong))} is damaged")
            elif isinstance(value := difference(own, other, load, metric, resamples), str):
                found[index] = (*_NONE, value)
            else:
                found[index] = (metric, *value, None)
    if found:
        frame = frame.join(pd.DataFrame.from_dict(found, orient="index", columns=list(_COLUMNS)))
    if split == "test" and "folds" in frame:
        frame = pool_rows(frame, judge, load, metric, resamples, damaged)
    return frame, damaged


def _damaged(runs: Sequence[str], load: Callable[[str], Run]) -> dict[str, str]:
    """Return why the predictions of runs cannot be compared with those of the first, by run."""
    found = {}
    for run in runs:
        try:
            load(run)
        except InputError as error:
            found[run] = one_line(error)
    if runs[0] in found:
        return found
    for run in runs[1:]:
        if run not in found and not same_pairs([load(run), load(runs[0])]):  # of one dataset, by its hash
            found[run] = (
                f"{run}/{PREDICTIONS}: other pairs, labels or scans than in {runs[0]}, though both saw the same; train "
                "again the one that was changed"
            )
    return found


def _load_run(folder: Path, split: str) -> Run:
    """Return a run's predictions of a split, and its threshold; InputError as `read_row` and `read_predictions`."""
    row = read_row(folder / RECORD)
    return Run(read_predictions(folder / PREDICTIONS, row, split), float(row["threshold"]))
