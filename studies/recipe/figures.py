"""The picture of the search."""

import pandas as pd
from matplotlib.figure import Figure

from oresort.console.palette import BLUE

KEPT = ("lite", "as kept")


def draw_search(table: pd.DataFrame) -> Figure:
    """Return a figure: AUROC of each setting, by group, beside that of the one kept."""
    table = table.reset_index(drop=True)
    figure = Figure(figsize=(9, 1 + 0.22 * (len(table) + table["group"].nunique())), layout="constrained")
    axes = figure.subplots()
    labels, place, last = list[str](), 0, ""
    ticks: list[float] = []
    for group, setting, auroc in zip(table["group"], table["setting"], table["auroc"].astype(float), strict=True):
        if group != last:
            place, last = place + 1, group
            axes.text(-0.01, place, last, transform=axes.get_yaxis_transform(), ha="right", weight="bold", size=9)
            place += 1
        axes.hlines(place, table["auroc"].min() - 0.3, auroc, color=BLUE, alpha=0.25)
        axes.plot(auroc, place, "D" if (group, setting) == KEPT else "o", color=BLUE)
        if (group, setting) == KEPT:
            axes.axvline(auroc, color="0.4", linestyle=":", linewidth=1)
        ticks.append(float(place))
        labels.append(setting)
        place += 1
    axes.set_yticks(ticks, labels, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("AUROC on 4,658 validation pairs, %; diamond and dotted line: the setting kept")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
