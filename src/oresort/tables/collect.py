"""Many runs as one table: one row per configuration, mean and deviation over its seeds."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from oresort.errors import InputError, one_line
from oresort.learn.record import PREDICTIONS, RECORD, pretrained, read_predictions, read_row
from oresort.learn.run import counts
from oresort.sorting import METRICS
from oresort.tables.bootstrap import COMPARABLE, Run, paired_difference, same_pairs

_LABELS = ("config.row", "config.reference", "config.name", "config.scale.name", "config.recipe.name")
_NONE = (None, float("nan"), float("nan"), float("nan"))
DAMAGED = "damaged"
SIDES = ("name", "scale", "recipe", "data")  # what rows of one table have in common


class Report(NamedTuple):
    """What `report` found: the table, and `run, name, row, seed, status, error` of every run that is not whole.

    That is one that did not finish, or one whose files are damaged.

    `table` has a row per configuration: `name` (the experiment), the keys in which configurations differ or, in an
    experiment with named rows, `row, scale, recipe`; `n`, `params_M`, `<metric>_mean`, `<metric>_std` as shares of 1
    (std of the sample; NaN for a single seed); against an experiment's reference row `difference, difference_low,
    difference_high`, or why there is none as `no_difference`; `paper_<metric>`, `paper_<metric>_std`, `paper_params_M`
    where the paper prints that row; `pairs_train, pairs_val, pairs_test, epochs, data, root, reference`, `data` being a
    hash of the pairs; `leaking_scans, leaking_images`, the most that any of its runs found on several sides of its
    split, empty where none did. A figure that is undefined in one of the runs has no mean.

    `folders` are the runs of each row of `table`, in its order.
    """

    table: pd.DataFrame
    failed: pd.DataFrame
    folders: list[list[str]]


def collect(runs: Path) -> pd.DataFrame:
    """Return the rows of all runs below a folder, with their folder as `run`; InputError where there are none.

    Trainings without labels are left out: they have no figures of decisions. A run whose record cannot be used has the
    status `damaged`, and why as its `error`.
    """
    if not runs.is_dir():
        raise InputError(f"{runs}: no such folder; give the folder of runs as runs=DIR")
    rows = []
    for file in sorted(runs.rglob(RECORD)):
        try:
            row = {k: "null" if v is None and k.startswith("config.") else v for k, v in read_row(file).items()}
        except InputError as error:
            row = {"status": DAMAGED, "error": one_line(error)}
        if pretrained(row):
            continue
        rows.append({"run": str(file.parent), "modified": file.stat().st_mtime, **row})
    if not rows:
        raise InputError(f"{runs}: no runs (metrics.json) below it; train first")
    return pd.DataFrame(rows, dtype=object)  # a run that lacks a key must not make numbers of others floats


def paper_tables() -> pd.DataFrame:
    """Return the paper's tables: `experiment, row`, five metrics with `_std` in per cent, `params_M`."""
    with files("oresort.tables").joinpath("paper_tables.csv").open(encoding="utf-8") as stream:
        return pd.read_csv(stream, comment="#")


def summarise(rows: pd.DataFrame, split: str = "test", metric: str = "auroc", resamples: int = 1000) -> Report:
    """Return one row per configuration of the runs of `collect`.

    Runs are of one configuration if they saw the same pairs and differ in nothing that counts but the seed, see
    `learn.run.counts`. Of two finished runs of one configuration and seed the newer counts. The difference of
    `metric` to the reference row gets an interval, see `paired_difference`; `resamples=0` leaves it out.
    """
    known = [name for name in METRICS if name in COMPARABLE]
    if metric not in known or resamples < 0:
        raise InputError(f"metric={metric} resamples={resamples}: known metrics are {', '.join(known)}; resamples >= 0")
    keys = [c for c in rows.columns if c.startswith("config.") and counts(c[7:]) and c != "config.seed"]
    done = rows[rows["status"] == "finished"].copy()
    rest = rows[rows["status"] != "finished"].rename(columns={"config.row": "row"})
    failed = rest.reindex(columns=["run", "name", "row", "seed", "status", "error"]).reset_index(drop=True)
    failed = failed.dropna(axis=1, how="all") if not failed.empty else failed
    if done.empty:
        return Report(pd.DataFrame(), failed, [])
    done = done.reindex(columns=list(dict.fromkeys([*done.columns, *_LABELS, "data"])))
    # text compares NaN with NaN and lists with lists
    text = done[[*keys, "data"]].map(lambda value: json.dumps(value, default=str))
    done["configuration"] = text.agg("|".join, axis=1)
    done = done.sort_values("modified").drop_duplicates(["configuration", "seed"], keep="last")
    plain = done[~_named(done)]
    # a key that only some runs have (a classical sorter has no learning rate) tells nothing by its absence
    differing = [
        key for key in keys if key not in _LABELS and text.loc[plain.index, key][plain[key].notna()].nunique() > 1
    ]
    if plain["data"].nunique() > 1:
        differing.append("config.data.root")
    table = [_row(group, differing, split) for _, group in done.groupby("configuration", sort=False)]
    frame = pd.DataFrame(table).sort_values("auroc_mean", ascending=False, na_position="last")
    first = ["name", "row", "scale", "recipe", *(key.removeprefix("config.") for key in differing)]
    frame = frame[[c for c in first if c in frame] + [c for c in frame if c not in first]]
    if resamples and "row" in frame:
        frame, damaged = _compare(frame.reset_index(drop=True), split, metric, resamples)
        wrong = [{"run": run, "status": DAMAGED, "error": why} for run, why in damaged.items()]
        failed = pd.concat([failed, pd.DataFrame(wrong)], ignore_index=True) if wrong else failed
    frame = _beside_paper(frame) if "row" in frame else frame
    return Report(frame.drop(columns="runs").reset_index(drop=True), failed, frame["runs"].tolist())


def _named(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["config.row"].astype(object).fillna("").astype(str) != ""


def _row(group: pd.DataFrame, differing: list[str], split: str) -> dict[str, Any]:
    first = group.iloc[0]
    row: dict[str, Any] = {"name": first["name"]}
    if _named(group).any():
        row |= {key: first[f"config.{key}.name".replace("row.name", "row")] for key in ("row", "scale", "recipe")}
    else:
        row |= {key.removeprefix("config."): first[key] for key in differing}
    row |= {"n": len(group), "params_M": float("nan" if pd.isna(first["params"]) else first["params"]) / 1e6}
    for name in METRICS:
        if (key := f"{split}/{name}") not in group:
            raise InputError(f"{first['run']}: no {key} in its {RECORD}; train that run again")
        # a mean over some of the runs would look like one over all
        values = group[key].astype(float)
        row |= {f"{name}_mean": values.mean(skipna=False), f"{name}_std": values.std(ddof=1, skipna=False)}
    row |= {f"pairs_{side}": first.get(f"pairs/{side}") for side in ("train", "val", "test")}
    row |= {"epochs": first.get("config.trainer.max_epochs"), "root": first.get("config.data.root")}
    row |= {"data": first["data"], "reference": first["config.reference"]}
    for key in ("leaking_scans", "leaking_images"):
        row[key] = (group[key].astype(float).max() or None) if key in group else None
    return row | {"runs": list(group["run"])}


def _compare(frame: pd.DataFrame, split: str, metric: str, resamples: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """Add the differences to the reference row of each experiment, within one scale, recipe and dataset.

    Where there is none though a reference is named, `no_difference` says why. Also return why runs are damaged, by run.
    """
    load = cache(lambda run: load_run(Path(run), split))
    found: dict[Any, tuple[Any, ...]] = {}
    damaged: dict[str, str] = {}
    for _, table in frame[frame["row"].notna()].groupby(list(SIDES), sort=False, dropna=False):
        references = table[table["row"] == table["reference"]]
        for index, row in table.drop(references.index if len(references) == 1 else []).iterrows():
            if pd.isna(row["reference"]) or row["reference"] in ("", "null"):
                continue
            if len(references) != 1:
                found[index] = (*_NONE, f"{len(references) or 'no'} rows here are its reference {row['reference']}")
                continue
            folders = references["runs"].item()
            if wrong := _damaged((*folders, *row["runs"]), load):
                damaged |= wrong
                found[index] = (*_NONE, f"{next(iter(wrong))} is damaged")
                continue
            own, other = ([load(run) for run in runs] for runs in (row["runs"], folders))
            if (difference := paired_difference(own, other, metric, resamples)) is None:
                found[index] = (*_NONE, f"{metric} is undefined in one of its runs or the reference's")
            else:
                found[index] = (metric, *difference, None)
    names = ["difference_metric", "difference", "difference_low", "difference_high", "no_difference"]
    joined = frame.join(pd.DataFrame.from_dict(found, orient="index", columns=names)) if found else frame
    return joined, damaged


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


def load_run(folder: Path, split: str) -> Run:
    """Return a run's predictions of a split, and its threshold; InputError as `read_row` and `read_predictions`."""
    row = read_row(folder / RECORD)
    return Run(read_predictions(folder / PREDICTIONS, row, split), float(row["threshold"]))


def _beside_paper(frame: pd.DataFrame) -> pd.DataFrame:
    paper = paper_tables().rename(columns={"experiment": "name"})
    renamed = {c: f"paper_{c}" for c in paper.columns if c not in ("name", "row")}
    merged = frame.merge(paper.rename(columns=renamed), on=["name", "row"], how="left")
    return merged.drop(columns=[c for c in renamed.values() if merged[c].isna().all()])
