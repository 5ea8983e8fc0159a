"""What a plant gets of a model's decisions, for an evaluation's page, and what it may expect, for a sort's."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from oresort.console.palette import BLUE, GREY, ORE, WASTE
from oresort.sorting.account import Account
from oresort.sorting.partition import partition_number
from oresort.tables.account import figure_text
from oresort.tables.page.drawing import lines, photograph

_RECOVERIES = ("metal_recovery", "recovery")
_MONEY = {
    "value": "sorted",
    "no_sorting": "no sorting",
    "perfect": "perfect sorting",
    "gain": "sorted less no sorting",
    "best_value": "at the best threshold, in hindsight",
}


def decision_document(told: Account) -> dict[str, Any]:
    """Return an account in plain values, with its `headline` and its `curves`."""
    curves = {name: values.tolist() for name, values in told.curves.items()}
    return {**told.plain(), "headline": told.headline(), "curves": curves}


def figure_rows(
    figures: Mapping[str, Mapping[str, Any]], prices: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return a row for each of some figures with `value, low, high`, as a person reads them; money is of `prices`."""
    rows = []
    for name, known in figures.items():
        ends = [known["low"], known["high"]]
        between = "-" if None in ends else " to ".join(figure_text(name, end) for end in ends)
        value = "-" if known["value"] is None else figure_text(name, known["value"])
        title = name.replace("_", " ")
        if prices and name in ("value", "gain"):
            title = f"{title}, {prices['currency']} per tonne of feed"
        rows.append({"figure": title, "value": known["value"], "text": value, "between": between})
    return rows


def money_rows(sorting: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each way to sort is worth, per tonne of feed; nothing where there are no prices or grades."""
    if not sorting["money"]:
        return []
    rows = []
    for key, name in _MONEY.items():
        known = sorting["money"][key]
        between = "-" if known["low"] is None else f"{known['low']:.2f} to {known['high']:.2f}"
        rows.append({"figure": name, "value": known["value"], "text": f"{known['value']:.2f}", "between": between})
    return rows


def gathered(left_out: Mapping[str, str]) -> list[dict[str, str]]:
    """Return what is left out, the figures of one reason together."""
    reasons: dict[str, list[str]] = {}
    for name, why in left_out.items():
        reasons.setdefault(why, []).append(name.replace("_", " "))
    return [{"what": ", ".join(names), "why": why} for why, names in reasons.items()]


def decision_pictures(sorting: Mapping[str, Any], out: Path) -> dict[str, str]:
    """Return `yield`, where grades are known `grade` and `partition`, and where there is money `value`: data URIs."""
    found = {"yield": lines(partial(_yield, sorting))}
    if sorting["partition"]["grade"]:
        found["partition"] = lines(partial(partition_figure, sorting))
    if "product_grade" in sorting["curves"]:
        found["grade"] = lines(partial(_grade, sorting))
    if sorting["money"] and (out / "value.png").is_file():
        found["value"] = photograph(out / "value.png")
    return found


def _curve(sorting: Mapping[str, Any], name: str) -> Any:
    return np.array([np.nan if value is None else value for value in sorting["curves"][name]], np.float64)


def _with_ends(axes: Axes, sorting: Mapping[str, Any], x: Any, name: str, size: float, colour: str) -> None:
    axes.plot(x, size * _curve(sorting, name), color=colour, label=name.replace("_", " "))
    ends = [size * _curve(sorting, f"{name}{end}") for end in ("_low", "_high")]
    axes.fill_between(x, *ends, color=colour, alpha=0.2, linewidth=0)


def _yield(sorting: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.subplots()
    x = 100 * _curve(sorting, "mass_yield")
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=1, linestyle=":")
    for name, colour in zip(_RECOVERIES, (BLUE, ORE), strict=True):
        if name in sorting["curves"]:
            _with_ends(axes, sorting, x, name, 100, colour)
            _point(axes, sorting, "mass_yield", name, 100)
    axes.set(xlabel="mass kept, %", ylabel="recovered, %", xlim=(-2, 102), ylim=(-2, 102))
    axes.legend(loc="lower right")
    return figure


def _grade(sorting: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.subplots()
    x = 100 * _curve(sorting, "mass_yield")
    for name, colour in (("product_grade", ORE), ("tail_grade", WASTE)):
        _with_ends(axes, sorting, x, name, 1, colour)
        _point(axes, sorting, "mass_yield", name, 1)
    axes.set(xlabel="mass kept, %", ylabel="grade, wt %", xlim=(-2, 102), ylim=(0, None))
    axes.legend(loc="upper right")
    return figure


def partition_figure(sorting: Mapping[str, Any]) -> Figure:
    """Draw Tromp's curve through the classes of grade; without a cut and its Ep, the classes alone."""
    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.subplots()
    grade = np.array(sorting["partition"]["grade"], np.float64)
    cut, ep = (sorting["figures"].get(name) for name in ("cut_grade", "ep"))
    axes.semilogx(grade, 100 * np.array(sorting["partition"]["number"], np.float64), "o", color=BLUE)
    axes.axhline(50, color=GREY, linewidth=1, linestyle=":")
    if cut and ep:
        x = np.geomspace(grade.min(), grade.max(), 200)
        axes.plot(x, 100 * partition_number(x, cut["value"], ep["value"]), color=BLUE)
        if grade.min() <= cut["value"] <= grade.max():
            axes.axvline(cut["value"], color=WASTE, linewidth=1)
            if cut["low"] is not None:
                ends = np.clip([cut["low"], cut["high"]], grade.min(), grade.max())
                axes.axvspan(*ends, color=WASTE, alpha=0.15, linewidth=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(xlabel="grade, wt %", ylabel="mass kept, %", ylim=(-2, 102))
    return figure


def _point(axes: Axes, sorting: Mapping[str, Any], x: str, y: str, size: float) -> None:
    """Mark the operating point, where both of its figures are known."""
    known = [sorting["figures"].get(name) for name in (x, y)]
    if all(known) and all(one["value"] is not None for one in known):
        axes.plot(100 * known[0]["value"], size * known[1]["value"], "o", color=WASTE)
