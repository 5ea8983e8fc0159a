"""Runs that a table is made of, whose records or predictions are not as they were written."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from faults.harness import End, Kind
from faults.kinds.checks import change_json, in_bytes, text

_REPORT = "report runs=runs resamples=50 out=t"


_A, _PREDICTIONS = "runs/A/metrics.json", "runs/A/predictions.csv"


def _row(**changes: object) -> Callable[[Path], None]:
    return lambda here: change_json(here / _A, **changes)


def _answers(change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> Callable[[Path], None]:
    def write(here: Path) -> None:
        table = pd.read_csv(here / _PREDICTIONS, dtype=str)
        changed = change(table)
        (table if changed is None else changed).to_csv(here / _PREDICTIONS, index=False)

    return write


def _first(**changes: str) -> Callable[[pd.DataFrame], None]:
    def change(table: pd.DataFrame) -> None:
        for column, value in changes.items():
            table.loc[table["split"] == "test", column] = value

    return change


_TABLES: dict[str, Callable[[Path], object]] = {
    "record empty": text(_A, ""),
    "record is a list": text(_A, "[]"),
    "record deep": text(_A, "[" * 100_000),
    "record is noise": in_bytes(_A, lambda d: bytes(range(256))),
    "threshold missing": _row(threshold=None),
    "threshold null": lambda here: change_json(here / _A, threshold=lambda _: None),
    "threshold a word": _row(threshold="x"),
    "threshold 7": _row(threshold=7),
    "AUROC a word": _row(**{"test/auroc": "high"}),
    "AUROC a list": _row(**{"test/auroc": lambda _: [1]}),
    "AUROC missing": _row(**{"test/auroc": None}),
    "AUROC 7": _row(**{"test/auroc": 7}),
    "parameters a word": _row(params="many"),
    "parameters missing": _row(params=None),
    "status unknown": _row(status="done"),
    "seed missing": _row(seed=None),
    "p_ore a word": _answers(_first(p_ore="x")),
    "p_ore NaN": _answers(_first(p_ore="nan")),
    "p_ore 7": _answers(_first(p_ore="7")),
    "label unknown": _answers(_first(label="gold")),
    "pairs doubled": _answers(lambda t: pd.concat([t, t])),
    "pairs relabelled": _answers(lambda t: t.assign(label=t["label"].map({"ore": "waste", "waste": "ore"}))),
    "predictions cut short": in_bytes(_PREDICTIONS, lambda d: d[: len(d) // 2]),
    "predictions empty": text(_PREDICTIONS, ""),
    "predictions missing": lambda here: (here / _PREDICTIONS).unlink(),
    "predictions are noise": in_bytes(_PREDICTIONS, lambda d: bytes(range(256))),
    "predictions without a column": _answers(lambda t: t.drop(columns="p_ore")),
    "predictions a FIFO": lambda here: (here / _PREDICTIONS).unlink() or os.mkfifo(here / _PREDICTIONS),
}


def _named(here: Path, end: End) -> None:
    """What could not be used is named, and the report is of the others."""
    assert "runs/A" in end.err, "the run is not named"
    assert (here / "t/report.csv").is_file()


def _markup(here: Path, end: End) -> None:
    assert "[/x]" in end.out


KINDS = [
    *(Kind(f"report: {name}", _REPORT, change, "runs/A", holds=_named) for name, change in _TABLES.items()),
    Kind("report: sound", _REPORT, holds=lambda here, _: (here / "t/report.csv").stat()),
    Kind("report: a run that failed", _REPORT, _row(status="failed", error="[/x] no such"), holds=_markup),
    Kind("report: markup in names", _REPORT, _row(**{"config.row": "[/x]", "config.reference": "[/x]"}), holds=_markup),
    Kind("report: no runs", "report runs=pairs", says="pairs"),
]  # fmt: skip
