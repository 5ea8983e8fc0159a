"""The rows of all runs below a folder, and those that the paper prints."""

from importlib.resources import files
from pathlib import Path

import pandas as pd

from oresort.errors import InputError, one_line
from oresort.learn.record import RECORD, pretrained, read_row
from oresort.learn.run import counts

DAMAGED = "damaged"


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


def keys_of(rows: pd.DataFrame) -> list[str]:
    """Return the keys by which runs of `collect` can differ in what they come to, but for seed and fold."""
    keys = [str(c).removeprefix("config.") for c in rows.columns if str(c).startswith("config.")]
    return [key for key in keys if counts(key) and key not in ("seed", "data.fold", "name", "row", "reference")]
