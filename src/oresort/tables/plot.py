"""The report's picture: every row's mean and deviation over seeds, the paper's figure, and the differences."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from oresort.console.palette import BLUE, GREY, VERMILION
from oresort.tables.text import Section

_CHARACTERS = 48  # of a row's name on one line


def report_figure(section: Section, metric: str = "auroc") -> Figure:
    """Draw a section of a report: `metric` in per cent of each row, and its difference to the reference row."""
    table = section.numbers.iloc[::-1].reset_index(drop=True)  # the best row at the top
    names = ["\n".join(textwrap.wrap(name, _CHARACTERS)) for name in section.cells.iloc[::-1, 0]]
    lines = sum(name.count("\n") + 1 for name in names)
    longest = max(len(line) for name in names for line in name.split("\n"))
    compared = "difference" in table
    # room for the names beside the panels, and for title and legend above and below
    size = (4.0 * (1 + compared) + 0.08 * longest, 2.2 + 0.2 * (len(names) + lines))
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    panels = figure.subplots(1, 1 + compared, sharey=True, squeeze=False)[0]
    y = np.arange(len(table), dtype=float)
    mean, std = 100 * table[f"{metric}_mean"].astype(float), 100 * table[f"{metric}_std"].astype(float)
    _points(panels[0], mean, y, std, "o", BLUE, "here, mean ± std over seeds")
    if f"paper_{metric}" in table:
        printed, spread = table[f"paper_{metric}"], table[f"paper_{metric}_std"]
        _points(panels[0], printed, y, spread, "D", VERMILION, "printed in the paper (its own data)")
    panels[0].set_yticks(y, names)
    panels[0].set(xlabel=f"{metric}, %", ylim=(-0.7, len(table) - 0.3))
    if compared:
        value, low, high = (100 * table[f"difference{end}"].astype(float) for end in ("", "_low", "_high"))
        _points(panels[1], value, y, np.stack([value - low, high - value]), "o", BLUE, None)
        panels[1].axvline(0, color=GREY, linewidth=1)
        panels[1].set(xlabel=f"{metric} less the reference row's, points")
    for axes in panels:
        axes.grid(axis="x", alpha=0.3)
    figure.suptitle(textwrap.fill(f"{section.title}: {section.facts}", int(13 * size[0])), fontsize=9)
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)  # where it covers no point
    return figure


def _points(
    axes: Axes, x: "pd.Series[float]", y: ArrayLike, spread: ArrayLike, marker: str, colour: str, label: str | None
) -> None:
    """Draw values with bars; a row without a value has no point, one seed alone no bar."""
    known = x.notna().to_numpy()
    bars = np.nan_to_num(np.asarray(spread, float))[..., known]
    face = "none" if marker == "D" else colour
    axes.errorbar(
        x[known],
        np.asarray(y)[known],
        xerr=bars,
        fmt=marker,
        color=colour,
        markerfacecolor=face,
        capsize=3,
        label=label,
    )
