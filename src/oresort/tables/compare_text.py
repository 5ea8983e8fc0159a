"""A comparison as people read it: tables of text, and one picture."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from oresort.console.counted import counted
from oresort.console.palette import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILION
from oresort.learn.naming import ends
from oresort.sorting.resample import LEVEL
from oresort.tables.compare import Comparison
from oresort.tables.figure import PAGE

_COLOURS = (BLACK, BLUE, VERMILION, GREEN, PURPLE, SKY, GREY)


def short(names: Sequence[str]) -> list[str]:
    """Return the ends of paths by which models can be told apart."""
    found = ends([name.removesuffix("/predictions.csv").removesuffix("/checkpoints/best.ckpt") for name in names])
    return found if len(set(found)) == len(found) else list(names)  # such as a run and its checkpoint


def figures_text(found: Comparison) -> pd.DataFrame:
    """Return figures in per cent, one row a metric; differences to the first model with their interval over scans."""
    names = list(found.tests["model"])
    called = dict(zip(names, short(names), strict=True))
    shown: dict[str, list[str]] = {"metric": list(found.figures["metric"].unique())}
    for name in names:
        rows = found.figures[found.figures["model"] == name]
        shown[called[name]] = [_points(value, "") for value in rows["value"]]
        if name != names[0]:
            shown[f"Δ {called[name]} [{LEVEL:.0%} over scans]" if len(names) > 2 else f"Δ [{LEVEL:.0%} over scans]"] = [
                _interval(row.difference, row.low, row.high) for row in rows.itertuples()
            ]
    return pd.DataFrame(shown)


def judged_text(found: Comparison) -> pd.DataFrame:
    """Return the tests that take particles for independent, one row for each model but the first."""
    rows: Any = (
        found.tests.assign(model=short(found.tests["model"].tolist())).iloc[1:].itertuples()
    )  # of which pandas tells no types
    return pd.DataFrame(
        {
            "model": row.model,
            f"Δ auroc [{LEVEL:.0%}, DeLong]": _interval(row.delong_difference, row.delong_low, row.delong_high),
            "p (DeLong)": _p(row.delong_p),
            "right alone": f"{row.right_alone:.0f}",
            "reference right alone": f"{row.reference_right_alone:.0f}",
            "p (McNemar, exact)": _p(row.mcnemar_p),
        }
        for row in rows
    )


def compare_figure(found: Comparison) -> Figure:
    """Draw the models' ROC curves, and the differences of AUROC by both ways of judging them."""
    figure = Figure(figsize=(PAGE, 3.4), layout="constrained")
    curves, differences = figure.subplots(1, 2)
    names = [_wrapped(name) for name in short(found.tests["model"].tolist())]
    for i, (name, area, run) in enumerate(zip(names, found.tests["auroc"], found.runs, strict=True)):
        called, waste = _curve(run.predictions["p_ore"].to_numpy(float), (run.predictions["label"] == "ore").to_numpy())
        style = {"color": _COLOURS[i % len(_COLOURS)], "linestyle": ("-", "--", ":", "-.")[i % 4]}
        curves.plot(waste, called, label=f"{name}, {_points(area, '')}", **style)
    curves.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    curves.set(xlabel="share of waste called ore", ylabel="share of ore called ore", title="ROC, AUROC in per cent")
    curves.legend(loc="lower right")
    _differences(differences, found, names)
    figure.suptitle(f"{counted(found.pairs, 'pair')} of {counted(found.scans, 'scan')}")
    return figure


def _differences(axes: Any, found: Comparison, names: Sequence[str]) -> None:
    others = list(found.tests["model"])[1:]
    scans = found.figures[found.figures["metric"] == "auroc"].set_index("model")
    particles = found.tests.set_index("model")
    ways = (
        (scans, ("difference", "low", "high"), BLUE, "o", "whole scans drawn anew"),
        (particles, ("delong_difference", "delong_low", "delong_high"), GREY, "s", "as if particles were independent"),
    )
    for k, (table, columns, colour, marker, label) in enumerate(ways):
        value, low, high = (100 * table.loc[others, column].to_numpy(float) for column in columns)
        y = np.arange(len(others)) + 0.2 * k
        known = np.isfinite(low) & np.isfinite(high)
        axes.errorbar(
            value[known], y[known], xerr=np.stack([value - low, high - value])[:, known], fmt=marker, color=colour,
            capsize=3, label=label,
        )  # fmt: skip
    axes.axvline(0, color=BLACK, linewidth=1)
    axes.set_yticks(np.arange(len(others)) + 0.1, names[1:])
    axes.set(xlabel=f"AUROC less that of {names[0]}, points", ylim=(len(others) - 0.4, -0.5))
    axes.set_title(f"difference, {LEVEL:.0%}")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper right")


def _curve(p_ore: "np.ndarray[Any, Any]", ore: "np.ndarray[Any, Any]") -> tuple[Any, Any]:
    """Return shares of ore and of waste that are called ore, from none to all; NaN without such particles."""
    order = np.argsort(-p_ore, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p_ore[order])), len(order) - 1)  # equal answers are called together
    with np.errstate(invalid="ignore"):
        shares = [np.append(0, np.cumsum(side[order])[ends]) / side.sum() for side in (ore, ~ore)]
    return shares[0], shares[1]


def _wrapped(name: str) -> str:
    """Return a name of at most three lines; the record has it whole."""
    return "\n".join(textwrap.wrap(name, 28, max_lines=3, placeholder=" ..."))


def _points(value: float, sign: str = "+") -> str:
    return "-" if np.isnan(value) else f"{100 * value:{sign}.2f}"


def _interval(value: float, low: float, high: float) -> str:
    ends = "" if np.isnan(low) or np.isnan(high) else f" [{_points(low)}, {_points(high)}]"
    return _points(value) + (ends if not np.isnan(value) else "")


def _p(value: float) -> str:
    return "-" if np.isnan(value) else "< 0.0001" if value < 1e-4 else f"{value:.4f}"
