"""One model's figures by what pairs have in common: where is it good, and where not?"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oresort.console.counted import counted
from oresort.console.show import percent, show
from oresort.sorting.resample import FEWEST
from oresort.tables.page.intervals import figures
from oresort.tables.page.words import interval

METRICS = ("recall", "specificity", "balanced_accuracy", "auroc")
_GROUPS = 5  # of about equal numbers of pairs, by a number
_UNKNOWN = "not known"


class _By(NamedTuple):
    column: str
    title: str
    unit: str
    why_not: str


_NUMBERS = (
    _By("size", "size", "pixels, side of the square as large as the box", "the manifest has no w and h"),
    _By("attenuation", "thickness", "mean h, ln(air / high)", "the model's images are no attenuations"),
    _By("grade", "grade", "% Cu", "the manifest has no grade"),
    _By("mass", "mass", "g", "the manifest has no mass"),
)
_NAMES = (_By("batch", "batch", "", "the manifest has no batch"), _By("scan", "scan", "", "the manifest has no scan"))
_CLASS = _By("class", "class", "", "")
_DISTINCT = 12  # numbers of an own column that are groups of their own; more are put together


def breakdown(
    pairs: pd.DataFrame, threshold: float, resamples: int, own: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return tables by class, size, thickness, grade, mass, batch and scan, and what was left out, with why.

    `pairs` are `scan, label (ore|waste), p_ore`, and of `batch, w, h, attenuation, grade, mass` what is known; `own`
    are further columns of theirs, of words or numbers. A table has `by`, `title`, `unit` and `rows`: `group, pairs,
    scans, ore`, `METRICS` with intervals over scans, and as `note` what is not known of so small a group. Pairs of
    which a value is not known form a group `not known`.
    """
    pairs = pairs.assign(
        **{"class": pairs["label"]}, size=np.sqrt(pairs["w"] * pairs["h"]) if {"w", "h"} <= set(pairs) else np.nan
    )
    tables, left_out = [], []
    for by in (_CLASS, *_NUMBERS, *_NAMES, *(_By(column, column, "", f"{column} is empty") for column in own)):
        named = by in (_CLASS, *_NAMES) or (by.column in own and not _are_numbers(pairs[by.column]))
        groups = _named(pairs, by) if named else _binned(pairs, by)
        if isinstance(groups, str):
            left_out.append({"what": by.title, "why": groups})
            continue
        parts = pairs.groupby(groups, observed=True)
        rows = [_row(str(name), part, threshold, resamples) for name, part in parts]
        if by in _NAMES:  # the worst first
            rows.sort(key=_badness)
        tables.append({"by": by.column, "title": by.title, "unit": by.unit, "rows": rows})
    return tables, left_out


def own_columns(by: Sequence[str]) -> list[str]:
    """Return those of some names that no table of a breakdown has of itself."""
    return [name for name in dict.fromkeys(by) if name not in {one.title for one in (_CLASS, *_NUMBERS, *_NAMES)}]


def show_breakdown(document: Mapping[str, Any], by: Sequence[str]) -> None:
    """Print the tables of a document that are named, or why one is left out."""
    for name in dict.fromkeys(by):
        for part in (part for part in document["breakdown"] if part["title"] == name):
            rows = [
                {key: row[key] if key != "ore" else percent(row[key]) for key in ("group", "pairs", "scans", "ore")}
                | {metric: interval(row, metric) for metric in METRICS}
                | {"note": row["note"]}
                for row in part["rows"]
            ]
            show(pd.DataFrame(rows), f"by {name}{f' ({unit})' if (unit := part['unit']) else ''}, per cent")
        for why in (left["why"] for left in document["left_out"] if left["what"] == name):
            print(f"left out: {name}: {why}")


def _badness(row: dict[str, Any]) -> float:
    known = [row[name] for name in ("recall", "specificity") if row[name] is not None]
    return float(np.mean(known)) if known else 2.0


def _row(name: str, part: pd.DataFrame, threshold: float, resamples: int) -> dict[str, Any]:
    ore = part["label"] == "ore"
    scans = int(part["scan"].nunique())
    about = {"group": name, "pairs": len(part), "scans": scans, "ore": float(ore.mean())}
    found = figures(part, threshold, METRICS, resamples)
    why = [] if not ore.all() and ore.any() else ["no waste" if ore.all() else "no ore"]
    if resamples and scans < FEWEST:
        why.append(f"{counted(scans, 'scan')}: no intervals")
    for metric in METRICS:  # what all scans have alike is no more certain for it
        if found[f"{metric}_low"] is not None and found[f"{metric}_low"] == found[f"{metric}_high"]:
            found |= {f"{metric}_low": None, f"{metric}_high": None}
            why.append(f"{metric} is the same in all scans: no interval")
    return {**about, **found, "note": "; ".join(why)}


def _named(pairs: pd.DataFrame, by: _By) -> "pd.Series[Any] | str":
    if by.column not in pairs or (pairs[by.column].astype(str) == "").all():
        return by.why_not
    return pairs[by.column].astype(str).replace("", _UNKNOWN)


def _binned(pairs: pd.DataFrame, by: _By) -> "pd.Series[Any] | str":
    values = (
        pd.to_numeric(pairs[by.column], errors="coerce").to_numpy(np.float64)
        if by.column in pairs
        else np.full(len(pairs), np.nan)
    )
    if np.isnan(values).all():
        return by.why_not
    ends = np.unique(np.nanquantile(values, np.linspace(0, 1, _GROUPS + 1)))
    if len(ends) < 2:
        return f"all pairs have {_short(ends[0])}"
    place = np.clip(np.searchsorted(ends, values, side="right") - 1, 0, len(ends) - 2)
    names = [f"{_short(low)} to {_short(high)}" for low, high in pairwise(ends)]
    names = [f"{name} ({i + 1})" if names.count(name) > 1 else name for i, name in enumerate(names)]
    text = np.where(np.isnan(values), _UNKNOWN, np.asarray(names, object)[place])
    return pd.Series(pd.Categorical(text, [*names, _UNKNOWN], ordered=True), pairs.index)


def _are_numbers(column: "pd.Series[Any]") -> bool:
    """Tell whether a column holds so many numbers that they are put together."""
    known = pd.to_numeric(column[column.astype(str) != ""], errors="coerce")
    return bool(np.isfinite(known).all()) and known.nunique() > _DISTINCT


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
