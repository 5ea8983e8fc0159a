"""The report's picture: every row's mean and deviation over seeds, the paper's figure, and the differences."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from oresort.console.palette import BLUE, GREEN, GREY, VERMILION
from oresort.sorting.resample import LEVEL
from oresort.tables.figure import COLUMN, PAGE
from oresort.tables.text import Section

_SHORT, _LONG = 22, 40  # characters of a row's name on one line, in a column and on a page
_LINE = 0.15  # inches
_PER_INCH = 17  # characters of a title


def report_figure(section: Section, metric: str = "auroc") -> Figure:
    """Draw a section of a report: `metric` in per cent of each row, and its difference to the reference row."""
    table = section.numbers.iloc[::-1].reset_index(drop=True)  # the best row at the top
    compared = "difference" in table and bool(table["difference"].notna().any())
    wide = compared or any(len(name) > _SHORT for name in table["row"])
    names = ["\n".join(textwrap.wrap(name, _LONG if wide else _SHORT)) for name in table["row"]]
    width = PAGE if wide else COLUMN
    title = textwrap.fill(f"{section.title}: {section.facts}", int(_PER_INCH * width))
    lines = sum(name.count("\n") + 1.6 for name in names) + title.count("\n") + 1
    figure = Figure(figsize=(width, 1.2 + _LINE * lines), layout="constrained")  # 1.2: axis, label and legend
    panels = figure.subplots(1, 1 + compared, sharey=True, squeeze=False)[0]
    y = np.arange(len(table), dtype=float)
    mean, std = 100 * table[f"{metric}_mean"].astype(float), 100 * table[f"{metric}_std"].astype(float)
    over = "folds" if "folds" in table else "seeds"
    _points(panels[0], mean, y, std, "o", BLUE, f"here, mean ± std over {over}")
    if "pooled" in table and table["pooled_metric"].eq(metric).any():
        value, low, high = (100 * table[f"pooled{end}"].astype(float) for end in ("", "_low", "_high"))
        ends = np.stack([value - low, high - value])
        _points(panels[0], value, y - 0.2, ends, "s", GREEN, f"all folds, {LEVEL:.0%} over scans")
    if f"paper_{metric}" in table:
        printed, spread = table[f"paper_{metric}"], table[f"paper_{metric}_std"]
        _points(panels[0], printed, y, spread, "D", VERMILION, "printed in the paper (its own data)")
    panels[0].set_yticks(y, names)
    panels[0].set(xlabel=f"{metric}, %", ylim=(-0.7, len(table) - 0.3))
    if compared:
        value, low, high = (100 * table[f"difference{end}"].astype(float) for end in ("", "_low", "_high"))
        _points(panels[1], value, y, np.stack([value - low, high - value]), "o", BLUE, None)
        panels[1].axvline(0, color=GREY, linewidth=1)
        panels[1].set(xlabel=f"{metric} less the\nreference row's, points")
    for axes in panels:
        axes.grid(axis="x", alpha=0.3)
    figure.suptitle(title)
    figure.legend(loc="outside lower center", ncols=2 if wide else 1)  # where it covers no point
    return figure


def _points(
    axes: Axes, x: "pd.Series[float]", y: ArrayLike, spread: ArrayLike, marker: str, colour: str, label: str | None
) -> None:
    """Draw values with bars; a row without a value has no point, one seed alone no bar."""
    known = x.notna().to_numpy()
    bars = np.nan_to_num(np.asarray(spread, float))[..., known]
    face = "none" if marker == "D" else colour
    axes.errorbar(
        x[known], np.asarray(y)[known], xerr=bars, fmt=marker, color=colour, markerfacecolor=face, capsize=2,
        label=label,
    )  # fmt: skip
