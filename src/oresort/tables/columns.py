"""The columns of a report's tables: which there are, and what their cells say."""

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from oresort.console.show import percent
from oresort.errors import InputError
from oresort.learn.naming import is_absent, short_keys, text_of
from oresort.sorting import METRICS, direction
from oresort.sorting.resample import LEVEL

MOST = 6
"""Columns of a table for which none were chosen, the name of the row among them."""

_COUNTS = ("n", "params_M", "epochs", "pairs_train", "pairs_val", "pairs_test")
_MINUTES = "minutes"
_PAPER = tuple(f"paper_{name}" for name in METRICS)


def checked_columns(columns: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return chosen columns, each once, keys of the configuration (all are `keys`) by their whole names.

    Raises:
        InputError: a column that there is not, with the nearest ones, or a short key that several end in.
    """
    known = (*_COUNTS, _MINUTES, *METRICS, "pooled", "difference", *_PAPER)
    found = []
    for name in columns:
        if name in (*known, *keys):
            found.append(name)
            continue
        called = [key for key, short in short_keys(list(keys)).items() if name == short or key.endswith(f".{name}")]
        if len(called) > 1:
            raise InputError(f"columns: {name} may be {' or '.join(called)}; give one of them")
        if not called:
            near = difflib.get_close_matches(name, [*known, *keys, *short_keys(list(keys)).values()], n=3)
            guess = f"did you mean {' or '.join(near)}? " if near else ""
            raise InputError(
                f"columns: {name}: no such column; {guess}known are {', '.join(known)} and keys of the runs"
            )
        found += called
    return list(dict.fromkeys(found))


def default_columns(table: pd.DataFrame, metric: str) -> list[str]:
    """Return the columns that a table has where none are chosen: as many as a page holds."""
    first = ["n", "params_M", metric, *(name for name in ("pooled", "difference", f"paper_{metric}") if name in table)]
    others = [name for name in ("balanced_accuracy", "f1", "brier", "auroc") if name != metric]
    return [*first, *others][: MOST - 1]


def heading(column: str, metric: str) -> str:
    """Return what stands above a column: `metric` is the one that differences and figures over all folds are of."""
    if column == "pooled":
        return f"all folds: {metric} [{LEVEL:.0%}]"
    if column == "difference":
        return f"Δ {metric} [{LEVEL:.0%}]"
    return f"paper: {column.removeprefix('paper_')}" if column in _PAPER else short_keys([column])[column]


def cells(table: pd.DataFrame, column: str) -> list[str]:
    """Return a column as people read it: metrics in per cent as `mean±std`, a dash where nothing is known."""
    if column == "difference":
        return [_difference(row) for _, row in table.iterrows()] if "row" in table else []
    if column == "pooled":
        return [_with_ends(row, "pooled") or "-" for _, row in table.iterrows()]
    if column == "n" and "folds" in table:
        return [_runs(row) for _, row in table.iterrows()]
    if column in METRICS or column in _PAPER:
        return _plus_minus(table, column)
    values = table[column].tolist() if column in table else [None] * len(table)
    if column == _MINUTES:
        return _minutes(table)
    if column == "params_M":
        return ["-" if pd.isna(value) else f"{value:.2f}" for value in values]
    if column in _COUNTS:
        known = [None if is_absent(value) else value for value in values]
        return ["-" if v is None else v if isinstance(v, str) else f"{int(v):,}" for v in known]
    return ["-" if is_absent(value) else text_of(column, value) for value in values]


def best(table: pd.DataFrame, column: str) -> list[bool]:
    """Tell which cells hold the best mean of a metric's column, as it is written; none where that compares nothing.

    Figures of other pairs are no better or worse, and neither is one alone.
    """
    if column not in METRICS or len(table) < 2 or table["data"].nunique(dropna=False) > 1:
        return [False] * len(table)
    means = (100 * table[f"{column}_mean"].astype(float)).round(2)
    top = means.min() if direction(column) == "min" else means.max()
    found = (means == top).tolist()
    return found if not all(found) else [False] * len(table)


def _difference(row: "pd.Series[Any]") -> str:
    own = _with_ends(row, "difference", "+")
    return own or ("reference" if row["row"] == row.get("reference") else "-")


def _with_ends(row: "pd.Series[Any]", name: str, sign: str = "") -> str:
    """Return a figure in per cent with its interval, where there is one; nothing where it is not known."""
    value, low, high = (100 * float(row.get(f"{name}{end}", np.nan)) for end in ("", "_low", "_high"))
    if np.isnan(value):
        return ""
    return f"{value:{sign}.2f}" + ("" if np.isnan(low) or np.isnan(high) else f" [{low:{sign}.2f}, {high:{sign}.2f}]")


def _runs(row: "pd.Series[Any]") -> str:
    """Return of how many seeds a row is, or of how many folds, and seeds of each."""
    if is_absent(row["folds"]):
        return str(row["n"])
    done, folds, seeds = (int(row[key]) for key in ("folds_done", "folds", "seeds"))
    text = f"{folds} folds" if done == folds else f"{done} of {folds} folds"
    return text if seeds == 1 else f"{text} x {seeds}"


def _minutes(table: pd.DataFrame) -> list[str]:
    """Return minutes of training; with what they were spent on, where a table would compare several machines."""
    if _MINUTES not in table:
        return ["-"] * len(table)
    several = table["device"].dropna().nunique() > 1
    told = zip(table[_MINUTES].astype(float), table["device"], strict=True)
    return ["-" if pd.isna(m) else f"{m:.1f}" + (f" ({device})" if several else "") for m, device in told]


def _plus_minus(table: pd.DataFrame, name: str) -> list[str]:
    # the paper prints per cent already
    mean, factor = (f"{name}_mean", 1.0) if f"{name}_mean" in table else (name, 0.01)
    if mean not in table:
        return ["-"] * len(table)
    pairs = zip(table[mean].astype(float), table[f"{name}_std"].astype(float), strict=True)
    return [percent(m * factor) + ("" if pd.isna(s) else f"±{percent(s * factor)}") for m, s in pairs]
