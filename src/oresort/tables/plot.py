"""The report's picture: every row's seeds, mean and deviation, the paper's figure, and the differences."""

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oresort.tables.text import Section

# blue and vermilion stay apart for every common colour blindness (Okabe and Ito, 2008)
_OWN, _PAPER = "#0072B2", "#D55E00"


def report_figure(section: Section, metric: str = "auroc") -> Figure:
    """Draw a section of a report: `metric` in per cent of each row, and its difference to the reference row."""
    table = section.numbers.iloc[::-1].reset_index(drop=True)  # the best row at the top
    names = section.cells.iloc[::-1]
    label = (
        names["row"]
        if "row" in names
        else names[names.columns[: names.columns.get_loc("n")]].agg(", ".join, axis=1)
    )
    compared = "difference" in table and table["difference_metric"].dropna().iloc[0] == metric
    figure = Figure(figsize=(11 if compared else 7.5, 1.6 + 0.38 * len(table)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2 if compared else 1, sharey=True, squeeze=False)[0]
    y = np.arange(len(table))
    mean, std = 100 * table[f"{metric}_mean"].astype(float), 100 * table[f"{metric}_std"].astype(float)
    panels[0].errorbar(
        mean, y, xerr=std.fillna(0), fmt="o", color=_OWN, capsize=3, label="here, mean ± std over seeds"
    )
    if f"paper_{metric}" in table:
        panels[0].errorbar(
            table[f"paper_{metric}"], y, xerr=table[f"paper_{metric}_std"], fmt="D", color=_PAPER,
            markerfacecolor="none", capsize=3, label="printed in the paper (its own data)",
        )  # fmt: skip
    panels[0].set_yticks(y, label)
    panels[0].set(xlabel=f"{metric}, %", ylim=(-0.7, len(table) - 0.3))
    panels[0].legend(fontsize=8, loc="best")
    if compared:
        _differences(panels[1], table, y, metric)
    for axes in panels:
        axes.grid(axis="x", alpha=0.3)
    title = section.facts.split(";", 1)
    figure.suptitle(
        f"{section.title}: {title[0]}" + (f"\n{title[1].strip()}" if len(title) > 1 else ""), fontsize=9
    )
    return figure


def _differences(
    axes: "object", table: pd.DataFrame, y: "np.ndarray[tuple[int], np.dtype[np.int64]]", metric: str
) -> None:
    value, low, high = (100 * table[f"difference{end}"].astype(float) for end in ("", "_low", "_high"))
    known = value.notna()
    axes.errorbar(  # type: ignore[attr-defined]
        value[known],
        y[known.to_numpy()],
        xerr=[(value - low)[known], (high - value)[known]],
        fmt="o",
        color=_OWN,
        capsize=3,
    )
    axes.axvline(0, color="black", linewidth=1)  # type: ignore[attr-defined]
    axes.set(xlabel=f"{metric} minus the reference row's, points (95 % over scans)")  # type: ignore[attr-defined]
