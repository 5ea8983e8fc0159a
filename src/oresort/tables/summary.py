"""Many runs as tables: one row per configuration, mean and deviation over its seeds."""

import difflib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from oresort.errors import InputError
from oresort.files.layout import SPLITS
from oresort.learn.record import RECORD, parts_of
from oresort.sorting import METRICS, direction
from oresort.tables.bootstrap import COMPARABLE
from oresort.tables.called import METHOD, OF_PAIRS, SIDES, called
from oresort.tables.collect import DAMAGED, keys_of, paper_tables
from oresort.tables.differences import with_intervals
from oresort.tables.folds import FOLD, cells_of, same_dataset, spread, told
from oresort.tables.newest import newest

_LABELS = ("config.row", "config.reference", "config.name", "config.scale.name", "config.recipe.name")


class Report(NamedTuple):
    """What `report` found: the table, and `run, name, row, seed, status, error` of every run that is not whole.

    That is one that did not finish, or one whose files are damaged.

    `table` has the rows of one table after the other: `table`, its name for files (`runs`, or an experiment's); `name`
    and `row`, what they are called; of an experiment `scale, recipe`; the keys in which plain runs differ; `n`,
    `params_M`, `<metric>_mean`, `<metric>_std` as shares of 1 (std of the sample; NaN for a single seed); against the
    table's reference row `difference, difference_low, difference_high`, or why there is none as `no_difference`;
    `paper_<metric>`, `paper_<metric>_std`, `paper_params_M` where the paper prints that row; `pairs_train, pairs_val,
    pairs_test, epochs, data, root, reference`, `data` being a hash of the pairs, and `epochs` a text as `20 + 20` where
    a run went on from a finished one; `minutes` of training, the mean over runs, and on what `device`, see
    `oresort.learn.clock`: of runs on several, or at a time that is not known, there is none; `leaking_scans,
    leaking_images`, the most that any of its runs found on several sides of its split, empty where none did. A figure
    that is undefined in one of the runs has no mean. Of folds, means and deviations are over these, and there are
    `folds, folds_done, seeds, pairs_all`, and `pooled_metric, pooled, pooled_low, pooled_high` or `no_pooled`, see
    `oresort.tables.folds`.

    `folders` are the runs of each row of `table`, in its order; `untold` the keys in which plain runs differ that their
    names do not tell.
    """

    table: pd.DataFrame
    failed: pd.DataFrame
    folders: list[list[str]]
    untold: list[str]


def summarise(
    rows: pd.DataFrame,
    split: str = "test",
    metric: str = "auroc",
    resamples: int = 1000,
    reference: str = "",
    shown: Sequence[str] = (),
) -> Report:
    """Return one row per configuration of the runs of `collect`.

    Runs are of one configuration if they saw the same pairs and differ in nothing that counts but the seed, see
    `learn.run.counts`, or the fold. Of two finished runs of one configuration, seed and fold the newer counts. The
    difference of
    `metric` to the reference row gets an interval, see `paired_difference`; `resamples=0` leaves it out. `reference`
    is called so in each table in place of the row that its runs name; `shown` are further keys that rows shall have.

    Raises:
        InputError: a metric that cannot be compared, or a reference that no row is called.
    """
    known = [name for name in METRICS if name in COMPARABLE]
    if metric not in known or resamples < 0:
        raise InputError(f"metric={metric} resamples={resamples}: known metrics are {', '.join(known)}; resamples >= 0")
    keys = [f"config.{key}" for key in (*keys_of(rows), "name", "row", "reference") if key not in OF_PAIRS]
    done = rows[rows["status"] == "finished"].copy()
    rest = rows[rows["status"] != "finished"].rename(columns={"config.row": "row"})
    failed = rest.reindex(columns=["run", "name", "row", "seed", "status", "error"]).reset_index(drop=True)
    failed = failed.dropna(axis=1, how="all") if not failed.empty else failed
    if done.empty:
        return Report(pd.DataFrame(), failed, [], [])
    done = done.reindex(columns=list(dict.fromkeys([*done.columns, *_LABELS, f"config.{METHOD}", "data", FOLD])))
    done["data"] = same_dataset(done)
    # text compares NaN with NaN and lists with lists
    text = done.map(lambda value: json.dumps(value, default=str))
    done["configuration"] = text[[*keys, "data"]].agg("|".join, axis=1)
    done = newest(done, split)
    plain = done[~_named(done)]
    # a key that only some runs have (a classical sorter has no learning rate) tells nothing by its absence
    differing = [
        key
        for key in keys_of(rows)
        if text.loc[plain.index, f"config.{key}"][plain[f"config.{key}"].notna()].nunique() > 1
    ]
    if plain["data"].nunique() > 1 and "data.root" not in differing:
        differing.append("data.root")
    groups = [group for _, group in done.groupby("configuration", sort=False)]
    columns = dict.fromkeys([*differing, *shown, *OF_PAIRS, "data.cutoff", METHOD])
    frame = pd.DataFrame([_row(group, list(columns), split) for group in groups], dtype=object)
    numbers = [c for c in frame if str(c).endswith(("_mean", "_std")) or c in ("params_M", "minutes", "leaking_scans")]
    kinds = dict.fromkeys([*numbers, "leaking_images"], float) | {"is_named": bool, "is_classic": bool}
    frame = frame.astype(kinds)  # counts, and whole numbers of keys, stay whole
    frame = frame.sort_values(f"{metric}_mean", ascending=direction(metric) == "min", na_position="last")
    parts = _in_tables(frame.reset_index(drop=True))
    names = [called(part, differing, keys_of(rows)) for part in parts]
    frame = pd.concat([part.assign(row=own) for part, (own, _) in zip(parts, names, strict=True)], ignore_index=True)
    if reference:
        if reference not in set(frame["row"]):
            near = difflib.get_close_matches(reference, frame["row"], n=3, cutoff=0.3)
            raise InputError(f"reference={reference}: no row is called so; rows are {', '.join(near or frame['row'])}")
        frame["reference"] = reference
    if resamples:
        frame, damaged = with_intervals(frame, split, metric, resamples)
        wrong = [{"run": run, "status": DAMAGED, "error": why} for run, why in damaged.items()]
        failed = pd.concat([failed, pd.DataFrame(wrong)], ignore_index=True) if wrong else failed
    frame = _beside_paper(frame)
    own = ["runs", "cells", "roots", "title", "first", "is_named", "is_classic"]
    own += [key for key in columns if key not in differing and key not in shown]  # which were asked for pairs' sake
    return Report(frame.drop(columns=own), failed, frame["runs"].tolist(), names[0][1])


def _named(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["config.row"].astype(object).fillna("").astype(str) != ""


def _row(group: pd.DataFrame, keys: Sequence[str], split: str) -> dict[str, Any]:
    first = group.iloc[0]
    title = first["config.row"] if _named(group).any() else ""
    row: dict[str, Any] = {"table": "", "name": first["name"], "row": title, "title": title}
    row |= {key: first[f"config.{key}.name"] for key in ("scale", "recipe")}
    row |= {key: first.get(f"config.{key}") for key in keys}
    row |= {"n": len(group), "params_M": float("nan" if pd.isna(first["params"]) else first["params"]) / 1e6}
    for name in METRICS:
        if (key := f"{split}/{name}") not in group:
            raise InputError(f"{first['run']}: no {key} in its {RECORD}; train that run again")
        # a mean over some of the runs would look like one over all
        row |= dict(zip((f"{name}_mean", f"{name}_std"), spread(group, key), strict=True))
    row |= _time(group)
    row |= {f"pairs_{side}": first.get(f"pairs/{side}") for side in SPLITS} | told(group)
    parts = " + ".join(str(part) for part in parts_of(first.get("config.stretches")))
    row |= {"epochs": parts or first.get("config.trainer.max_epochs"), "root": first.get("config.data.root")}
    named = first["config.reference"]
    row |= {"data": first["data"], "reference": named if isinstance(named, str) and named != "null" else ""}
    for key in ("leaking_scans", "leaking_images"):
        row[key] = (group[key].astype(float).max() or None) if key in group else None
    own = {
        "is_named": bool(title),
        "is_classic": isinstance(first[f"config.{METHOD}"], str),
        "runs": list(group["run"]),
        "cells": cells_of(group),
        "roots": [str(root) for root in group.get("config.data.root", pd.Series(dtype=object)).dropna().unique()],
    }
    own["first"] = {str(key).removeprefix("config."): value for key, value in first.items()}
    return row | own


def _time(group: pd.DataFrame) -> dict[str, Any]:
    """Return the mean minutes of training of a row's runs, and on what: of several machines there is no mean."""
    if not {"fit_seconds", "device"} <= set(group):
        return {"minutes": float("nan"), "device": None}
    devices = list(dict.fromkeys(str(name) for name in group["device"].dropna()))
    alike = len(devices) == 1 and bool(group["device"].notna().all())
    minutes = float(group["fit_seconds"].astype(float).mean(skipna=False)) / 60 if alike else float("nan")
    return {"minutes": minutes, "device": " or ".join(devices) or None}


def _in_tables(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows of each table, by its name for files as `table`: plain runs first, then each experiment.

    A classical sorter stands in every experiment's table of the pairs that it saw.
    """
    experiments, alone = frame[frame["is_named"]], frame[~frame["is_named"]]
    classic = alone[alone["is_classic"]]
    if len(classic) == len(alone):
        alone = alone[~alone["data"].isin(experiments["data"])]
    parts, slugs = [alone.assign(table="runs")], {"runs"}
    for _, own in experiments.groupby(list(SIDES), dropna=False):
        first = own.iloc[0]
        slug = re.sub(r"[^a-z0-9]+", "-", f"{first['name']} {first['scale']} {first['recipe']}".lower())
        while slug in slugs:  # the same rows of other pairs
            slug += "-again"
        slugs.add(slug)
        shared = {key: first[key] for key in ("name", "scale", "recipe")} | {"reference": own["reference"].max()}
        beside = classic[classic["data"] == first["data"]].assign(**shared)
        parts.append(pd.concat([own, beside]).sort_index().assign(table=slug))
    return parts


def _beside_paper(frame: pd.DataFrame) -> pd.DataFrame:
    paper = paper_tables().rename(columns={"experiment": "name", "row": "title"})
    renamed = {c: f"paper_{c}" for c in paper.columns if c not in ("name", "title")}
    merged = frame.merge(paper.rename(columns=renamed), on=["name", "title"], how="left")
    return merged.drop(columns=[c for c in renamed.values() if merged[c].isna().all()])
