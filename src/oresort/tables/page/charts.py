"""The drawings of an evaluation's page, made of what its document says."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oresort.console.palette import BLUE, GREY, ORE, WASTE
from oresort.tables.page.drawing import lines

_MOST = 12  # groups of one drawing
_CHANCE: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": ":"}


def evaluation_pictures(page: Mapping[str, Any]) -> dict[str, str]:
    """Return `reliability, histogram`, where there are curves `roc, precision_recall`, and `by_<group>`: data URIs."""
    found = {"reliability": lines(partial(_reliability, page)), "histogram": lines(partial(_histogram, page))}
    if page["curves"]:
        found |= {"roc": lines(partial(_roc, page)), "precision_recall": lines(partial(_precision_recall, page))}
    for part in page["breakdown"]:
        if 1 < len(part["rows"]) <= _MOST:
            found[f"by_{part['by']}"] = lines(partial(_breakdown, part))
    return found


def _square(x: str, y: str) -> tuple[Figure, Axes]:
    """Return axes of two shares, with a label each."""
    figure = Figure(figsize=(4.2, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return figure, axes


def _roc(page: Mapping[str, Any]) -> Figure:
    figure, axes = _square("waste kept, share", "ore kept, share")
    curve, point = page["curves"]["roc"], page["figures"]
    axes.plot([0, 1], [0, 1], **_CHANCE)
    axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=BLUE)
    axes.plot(1 - point["specificity"], point["recall"], "o", color=WASTE)
    return figure


def _precision_recall(page: Mapping[str, Any]) -> Figure:
    figure, axes = _square("ore kept, share", "ore among what is kept, share")
    curve, point = page["curves"]["precision_recall"], page["figures"]
    axes.axhline(page["data"]["ore"] / page["data"]["pairs"], **_CHANCE)
    axes.plot(curve["recall"], curve["precision"], color=BLUE)
    if point["precision"] is not None:  # nothing is called ore
        axes.plot(point["recall"], point["precision"], "o", color=WASTE)
    return figure


def _reliability(page: Mapping[str, Any]) -> Figure:
    figure, axes = _square("mean probability of ore", "share of ore")
    bins = page["reliability"]
    most = max(row["pairs"] for row in bins)
    axes.plot([0, 1], [0, 1], **_CHANCE)
    x, y = ([row[key] for row in bins] for key in ("p_ore", "ore"))
    axes.plot(x, y, color=BLUE, linewidth=1)
    axes.scatter(x, y, s=[8 + 80 * row["pairs"] / most for row in bins], color=BLUE)
    return figure


def _histogram(page: Mapping[str, Any]) -> Figure:
    figure, axes = _square("probability of ore", "pairs")
    for name, colour, style in (("ore", ORE, "-"), ("waste", WASTE, "--")):
        axes.stairs(page["histogram"][name], page["histogram"]["edges"], color=colour, linestyle=style, label=name)
    axes.axvline(page["threshold"], color=GREY, linewidth=1)
    most = max(max(page["histogram"][name]) for name in ("ore", "waste"))
    axes.set(ylim=(0, 1.05 * max(most, 1)))
    axes.legend(loc="upper center")
    return figure


def _breakdown(part: Mapping[str, Any]) -> Figure:
    rows = part["rows"][::-1]
    figure = Figure(figsize=(6.4, 0.8 + 0.27 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for name, colour, marker, shift in (("recall", ORE, "o", 0.14), ("specificity", WASTE, "s", -0.14)):
        for place, row in enumerate(rows):
            if row[name] is None:
                continue
            axes.plot(100 * row[name], place + shift, marker, color=colour, markersize=4.5)
            if row[f"{name}_low"] is not None:
                ends = [100 * row[f"{name}_low"], 100 * row[f"{name}_high"]]
                axes.plot(ends, [place + shift] * 2, color=colour, linewidth=1.2)
    axes.set_yticks(range(len(rows)), [_cut(row["group"]) for row in rows])
    axes.set(xlim=(-2, 102), ylim=(-0.6, len(rows) - 0.4), xlabel="per cent")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _cut(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"
