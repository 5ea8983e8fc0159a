"""Folds of one configuration as one row: mean and deviation over them, and all their test pairs as one set."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oresort.files.layout import SPLITS
from oresort.sorting.resample import Interval, drawn_scans, interval
from oresort.tables.bootstrap import (
    Difference,
    Run,
    difference_of,
    resampled,
    resampled_differences,
    same_pairs,
)

FOLD = "config.data.fold"
_FOLDS = ("config.data.folds", "config.data.split_seed")


class Cell(NamedTuple):
    """A run's place in its row; without folds `fold` is 0."""

    seed: int
    fold: int


Load = Callable[[str], Run]
"""Reads what the run in a folder predicted."""


def folded(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which runs tested a fold."""
    return rows[FOLD].map(lambda value: isinstance(value, int))


def same_dataset(rows: pd.DataFrame) -> "pd.Series[Any]":
    """Return by what runs saw the same pairs: a hash of these and their split, or of a dataset and how it is folded."""
    if not folded(rows).any():
        return rows["data"]
    whole = rows[["dataset", *_FOLDS]].astype(str).agg("-".join, axis=1)
    return rows["data"].where(~folded(rows), whole)


def spread(group: pd.DataFrame, key: str) -> tuple[float, float]:
    """Return mean and deviation of a figure: over seeds, or over folds of their means over seeds; NaN if one is."""
    values = group[key].astype(float)
    if folded(group).all():
        values = values.groupby(group[FOLD].astype(int)).agg(lambda own: own.mean(skipna=False))
    return float(values.mean(skipna=False)), float(values.std(ddof=1, skipna=False))


def told(group: pd.DataFrame) -> dict[str, Any]:
    """Return what a table says of a row's folds: how many there are, are done, and seeds; nothing of one split."""
    if not folded(group).all():
        return {}
    places, count = cells_of(group), int(group[_FOLDS[0]].iloc[0])
    sides = {f"pairs_{side}": round(group[f"pairs/{side}"].astype(float).mean()) for side in SPLITS}
    whole = int(sum(group[f"pairs/{side}"].iloc[0] for side in SPLITS))
    done = {"folds": count, "folds_done": len({c.fold for c in places}), "seeds": len({c.seed for c in places})}
    return sides | done | {"pairs_all": whole}


def cells_of(group: pd.DataFrame) -> dict[Cell, str]:
    """Return the folder of each run of a row by its place."""
    places = zip(group["seed"], group[FOLD], group["run"], strict=True)
    return {Cell(seed, fold if isinstance(fold, int) else 0): run for seed, fold, run in places}


def by_fold(judge: Callable[[Sequence[str]], dict[str, str]], *rows: Mapping[Cell, str]) -> dict[str, str]:
    """Return what `judge` finds wrong with the runs of several rows, asked of one fold at a time."""
    folds = sorted({cell.fold for row in rows for cell in row})
    own = ([run for row in rows for cell, run in row.items() if cell.fold == fold] for fold in folds)
    return {run: why for runs in own for run, why in judge(runs).items()}


def pool_rows(
    frame: pd.DataFrame,
    judge: Callable[[Sequence[str]], dict[str, str]],
    load: Load,
    metric: str,
    resamples: int,
    damaged: dict[str, str],
) -> pd.DataFrame:
    """Add `pooled` of each row of folds with its interval, or as `no_pooled` why there is none.

    `damaged` learns why runs are, as `judge` finds, by run.
    """
    found: dict[Any, tuple[Any, ...]] = {}
    for index, row in frame[frame["folds"].notna()].iterrows():
        if wrong := by_fold(judge, row["cells"]):
            damaged.update(wrong)
            value: Interval | str = f"{next(iter(wrong))} is damaged"
        else:
            value = pooled(row["cells"], int(row["folds"]), int(row["pairs_all"]), load, metric, resamples)
        none = (None, np.nan, np.nan, np.nan)
        found[index] = (*none, value) if isinstance(value, str) else (metric, *value, None)
    names = ["pooled_metric", "pooled", "pooled_low", "pooled_high", "no_pooled"]
    return frame.join(pd.DataFrame.from_dict(found, orient="index", columns=names))


def pooled(
    cells: Mapping[Cell, str], folds: int, pairs: int, load: Load, metric: str, resamples: int
) -> Interval | str:
    """Return a metric over all test pairs, each as the model answered that had not seen its scan; or why there is none.

    Each pair counts by its own fold's threshold. Of several seeds it is the mean. The interval is over whole scans, see
    `oresort.sorting.resample.interval`. `pairs` is how many the dataset has.
    """
    seeds = sorted({cell.seed for cell in cells})
    for cell in (Cell(seed, fold) for seed in seeds for fold in range(folds)):
        if cell not in cells:
            return f"fold {cell.fold} of seed {cell.seed} is missing"
    together = [_joined([load(cells[Cell(seed, fold)]) for fold in range(folds)]) for seed in seeds]
    first = together[0]
    if first["id"].duplicated().any() or len(first) != pairs:
        return f"its folds do not test each of the {pairs:,} pairs once"
    if not same_pairs([Run(table, 0.5) for table in together]):
        return "its seeds were tested on other pairs"
    codes, drawn = drawn_scans(first["scan"].tolist(), resamples)
    ore = (first["label"] == "ore").to_numpy()
    values = [
        resampled(metric, table["p_ore"].to_numpy(np.float64), ore, table["threshold"].to_numpy(), drawn, codes)
        for table in together
    ]
    found = interval(np.mean(values, axis=0), drawn.shape[1])
    return found if np.isfinite(found.value) else f"{metric} is undefined"


def _joined(runs: Sequence[Run]) -> pd.DataFrame:
    tables = [run.predictions.assign(threshold=run.threshold) for run in runs]
    return pd.concat(tables).sort_values("id", ignore_index=True)


def difference(
    own: Mapping[Cell, str], reference: Mapping[Cell, str], load: Load, metric: str, resamples: int
) -> Difference | str:
    """Return how much higher a metric is than the reference's, the mean over folds, with its interval; or why not.

    In each fold scans are drawn with replacement, the same for both sides, as `paired_difference` does on one split.
    """
    folds = sorted({cell.fold for cell in own})
    if folds != sorted({cell.fold for cell in reference}):
        return "it has other folds than the reference"
    found = []
    for fold in folds:
        sides = [[load(run) for cell, run in side.items() if cell.fold == fold] for side in (own, reference)]
        found.append(resampled_differences(sides[0], sides[1], metric, resamples, seed=fold))
    known = [one for one in found if one is not None]
    mean = difference_of(np.mean(known, axis=0)) if len(known) == len(folds) else None
    return f"{metric} is undefined in one of its runs or the reference's" if mean is None else mean
