"""One model's figures by what pairs have in common: where is it good, and where not?"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from oresort.tables.page.intervals import figures

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
_NAMES = (_By("scan", "scan", "", "the manifest has no scan"), _By("batch", "batch", "", "the manifest has no batch"))


def breakdown(
    pairs: pd.DataFrame, threshold: float, resamples: int
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return tables by scan, batch, size, thickness, grade and mass, and what was left out, with why.

    `pairs` are `scan, label (ore|waste), p_ore`, and of `batch, w, h, attenuation, grade, mass` what is known. A table
    has `by`, `title`, `unit` and `rows`: `group, pairs, scans, ore`, and `METRICS` with intervals over scans. Pairs of
    which a number is not known form a group `not known`.
    """
    pairs = pairs.assign(size=np.sqrt(pairs["w"] * pairs["h"]) if {"w", "h"} <= set(pairs) else np.nan)
    tables, left_out = [], []
    for by in (*_NUMBERS, *reversed(_NAMES)):
        groups = _named(pairs, by) if by in _NAMES else _binned(pairs, by)
        if isinstance(groups, str):
            left_out.append({"what": by.title, "why": groups})
            continue
        parts = pairs.groupby(groups, observed=True)
        rows = [_row(str(name), part, threshold, resamples) for name, part in parts]
        if by in _NAMES:  # the worst first
            rows.sort(key=_badness)
        tables.append({"by": by.column, "title": by.title, "unit": by.unit, "rows": rows})
    return tables, left_out


def _badness(row: dict[str, Any]) -> float:
    known = [row[name] for name in ("recall", "specificity") if row[name] is not None]
    return float(np.mean(known)) if known else 2.0


def _row(name: str, part: pd.DataFrame, threshold: float, resamples: int) -> dict[str, Any]:
    ore = part["label"] == "ore"
    counted = {"group": name, "pairs": len(part), "scans": int(part["scan"].nunique()), "ore": float(ore.mean())}
    return counted | figures(part, threshold, METRICS, resamples)


def _named(pairs: pd.DataFrame, by: _By) -> "pd.Series[Any] | str":
    if by.column not in pairs or (pairs[by.column].astype(str) == "").all():
        return by.why_not
    return pairs[by.column].astype(str).replace("", _UNKNOWN)


def _binned(pairs: pd.DataFrame, by: _By) -> "pd.Series[Any] | str":
    values = pairs[by.column].to_numpy(np.float64) if by.column in pairs else np.full(len(pairs), np.nan)
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


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
