"""The drawings of an evaluation's page, made of what its document says."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oresort.console.palette import BLUE, GREY, ORE, WASTE
from oresort.tables.figure import COLUMN
from oresort.tables.page.words import interval

_MOST = 12  # groups of one drawing
_SHARES = {"recall": "ore kept", "specificity": "waste rejected"}
_CHANCE: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": ":"}


def evaluation_drawings(page: Mapping[str, Any]) -> dict[str, Callable[[], Figure]]:
    """Return what draws each figure by its name.

    These are `reliability, histogram, confusion`, where there are curves `roc, precision_recall`, and `by_<group>`.
    """
    found: dict[str, Callable[[], Figure]] = {
        "reliability": partial(_reliability, page),
        "histogram": partial(_histogram, page),
        "confusion": partial(_confusion, page),
    }
    if page["curves"]:
        found |= {"roc": partial(_roc, page), "precision_recall": partial(_precision_recall, page)}
    for part in page["breakdown"]:
        if 1 < len(part["rows"]) <= _MOST:
            found[f"by_{part['by']}"] = partial(_breakdown, part)
    return found


def _square(x: str, y: str) -> tuple[Figure, Axes]:
    """Return axes of two shares, with a label each, in one column of a journal."""
    figure = Figure(figsize=(COLUMN, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return figure, axes


def _roc(page: Mapping[str, Any]) -> Figure:
    figure, axes = _square("waste kept, share", "ore kept, share")
    curve, point = page["curves"]["roc"], page["figures"]
    axes.plot([0, 1], [0, 1], **_CHANCE)
    called = f"AUROC {interval(point, 'auroc')} %"
    axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=BLUE, label=called)
    axes.plot(1 - point["specificity"], point["recall"], "o", color=WASTE, label=_threshold(page))
    figure.legend(loc="outside lower center")
    return figure


def _precision_recall(page: Mapping[str, Any]) -> Figure:
    figure, axes = _square("ore kept, share", "ore among what is kept, share")
    curve, point = page["curves"]["precision_recall"], page["figures"]
    axes.axhline(page["data"]["ore"] / page["data"]["pairs"], **_CHANCE)
    called = f"average precision {interval(point, 'average_precision')} %"
    axes.plot(curve["recall"], curve["precision"], color=BLUE, label=called)
    if point["precision"] is not None:  # nothing is called ore
        axes.plot(point["recall"], point["precision"], "o", color=WASTE, label=_threshold(page))
    figure.legend(loc="outside lower center")
    return figure


def _threshold(page: Mapping[str, Any]) -> str:
    return f"threshold {page['threshold']:.3g}"


def _confusion(page: Mapping[str, Any]) -> Figure:
    """Draw how many of each class are kept, with their share of the class."""
    figure = Figure(figsize=(COLUMN, 2.4), layout="constrained")
    axes = figure.subplots()
    counts = page["confusion"]
    rows = [[counts["ore_kept"], counts["ore_lost"]], [counts["waste_kept"], counts["waste_rejected"]]]
    shares = [[count / max(sum(row), 1) for count in row] for row in rows]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")  # pale enough for black letters
    for y, row in enumerate(rows):
        for x, count in enumerate(row):
            share = f"\n{100 * shares[y][x]:.1f} %" if sum(row) else ""
            axes.text(x, y, f"{count:,}{share}", ha="center", va="center")
    axes.set_xticks([0, 1], ["called ore", "called waste"])
    axes.set_yticks([0, 1], ["ore", "waste"])
    axes.set(xlabel=_threshold(page))
    axes.tick_params(length=0)
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
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _breakdown(part: Mapping[str, Any]) -> Figure:
    rows = part["rows"][::-1]
    figure = Figure(figsize=(6.4, 1.1 + 0.27 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for name, colour, marker, shift in (("recall", ORE, "o", 0.14), ("specificity", WASTE, "s", -0.14)):
        axes.plot([], [], marker, color=colour, markersize=4.5, label=_SHARES[name])
        for place, row in enumerate(rows):
            if row[name] is None:
                continue
            axes.plot(100 * row[name], place + shift, marker, color=colour, markersize=4.5)
            if row[f"{name}_low"] is not None:
                ends = [100 * row[f"{name}_low"], 100 * row[f"{name}_high"]]
                axes.plot(ends, [place + shift] * 2, color=colour, linewidth=1.2)
    axes.set_yticks(range(len(rows)), [_cut(row["group"]) for row in rows])
    axes.set(xlim=(-2, 102), ylim=(-0.6, len(rows) - 0.4), xlabel="per cent")
    axes.set_ylabel(part["title"] + (f", {part['unit'].partition(',')[0]}" if part["unit"] else ""))
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _cut(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"
