"""Many runs as one table: a row a configuration, mean and deviation over its seeds."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from oresort.errors import InputError
from oresort.learn.metrics import METRICS

_NOT_CONFIGURATION = ("config.seed", "config.out", "config.resume", "config.data.root", "config.data.cache")


class Report(NamedTuple):
    """What `report` found."""

    table: pd.DataFrame
    """One row a configuration: `name`, the keys in which configurations differ, `n`, `params_M`, and
    `<metric>_mean`, `<metric>_std` as shares of 1 (std of the sample; NaN for a single seed)."""

    failed: pd.DataFrame
    """`run, name, seed, status, error` of every run that did not finish."""


def collect(runs: Path) -> pd.DataFrame:
    """Return the rows of all runs below a folder, with their folder as `run`.

    Raises:
        InputError: No such folder, no runs in it, or an unreadable `metrics.json`.
    """
    if not runs.is_dir():
        raise InputError(f"{runs}: no such folder; give the folder of runs as runs=DIR")
    rows = []
    for file in sorted(runs.rglob("metrics.json")):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            row = {
                "run": str(file.parent),
                "modified": file.stat().st_mtime,
                "status": content["status"],
                **{
                    key: "null" if value is None and key.startswith("config.") else value
                    for key, value in content.items()
                },
            }
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file}: not the record of a run; remove it or its folder") from error
        rows.append(row)
    if not rows:
        raise InputError(f"{runs}: no runs (metrics.json) below it; train first")
    return pd.DataFrame(rows)


def summarise(rows: pd.DataFrame, split: str = "test") -> Report:
    """Return one row a configuration of the runs of `collect`.

    Runs are of one configuration if they differ in nothing but the seed and where their files lie. Of two
    finished runs of one configuration and seed the newer counts.
    """
    keys = [c for c in rows.columns if c.startswith("config.") and c not in _NOT_CONFIGURATION]
    done = rows[rows["status"] == "finished"].copy()
    rest = rows[rows["status"] != "finished"]
    failed = rest.reindex(columns=["run", "name", "seed", "status", "error"]).reset_index(drop=True)
    if done.empty:
        return Report(pd.DataFrame(), failed)
    # text compares NaN with NaN and lists with lists
    text = done[keys].map(lambda value: json.dumps(value, default=str))
    done["configuration"] = text.agg("|".join, axis=1)
    done = done.sort_values("modified").drop_duplicates(["configuration", "seed"], keep="last")
    # a key that only some runs have (a classical sorter has no learning rate) tells nothing by its absence
    differing = [key for key in keys if text[key][done[key].notna()].nunique() > 1 and key != "config.name"]
    table = [_row(group, differing, split) for _, group in done.groupby("configuration", sort=False)]
    frame = pd.DataFrame(table).sort_values("auroc_mean", ascending=False, na_position="last")
    return Report(frame.reset_index(drop=True), failed)


def _row(group: pd.DataFrame, differing: list[str], split: str) -> dict[str, Any]:
    first = group.iloc[0]
    row: dict[str, Any] = {"name": first["name"]}
    row |= {key.removeprefix("config."): first[key] for key in differing}
    row |= {"n": len(group), "params_M": float(first["params"]) / 1e6}
    for metric in METRICS:
        values = group[f"{split}/{metric}"].astype(float)
        row |= {f"{metric}_mean": values.mean(), f"{metric}_std": values.std(ddof=1)}
    return row


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as people read it: metrics in per cent, `mean+-std`, parameters in M."""
    if table.empty:
        return table
    shown = table[[c for c in table.columns if not c.endswith(("_mean", "_std"))]].copy()
    shown["params_M"] = shown["params_M"].map("{:.2f}".format).replace("nan", "-")  # trees are not counted
    for metric in METRICS:
        pairs = zip(table[f"{metric}_mean"], table[f"{metric}_std"], strict=True)
        shown[metric] = [percent(mean) + ("" if pd.isna(std) else f"±{percent(std)}") for mean, std in pairs]
    # values of a column that runs do not share come as NaN
    return shown.astype(object).where(shown.notna(), "-").astype(str)


def percent(value: float | None) -> str:
    """Return a share of 1 in per cent with two digits, a dash where it is undefined."""
    return "-" if value is None or pd.isna(value) else f"{100 * value:.2f}"


def markdown(table: pd.DataFrame) -> str:
    """Return a table of text as Markdown."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return (
        "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )
