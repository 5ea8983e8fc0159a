"""The picture of the search."""

import pandas as pd
from matplotlib.figure import Figure

from oresort.console.palette import BLUE

KEPT = ("lite", "as kept")


def draw_search(table: pd.DataFrame) -> Figure:
    """Return a figure: AUROC of each setting, by group, beside that of the one kept."""
    count = len(table) + table["group"].nunique()
    figure = Figure(figsize=(9, 1.2 + 0.21 * count), dpi=90, layout="constrained")
    axes = figure.subplots()
    labels, last = list[str](), ""
    least = float(table["auroc"].min()) - 0.2
    for group, setting, auroc in zip(table["group"], table["setting"], table["auroc"].astype(float), strict=True):
        if group != last:
            labels.append(group)
            last = group
        kept = (group, setting) == KEPT
        axes.hlines(len(labels), least, auroc, color=BLUE, alpha=0.25)
        axes.plot(auroc, len(labels), "D" if kept else "o", color=BLUE)
        if kept:
            axes.axvline(auroc, color="0.4", linestyle=":", linewidth=1)
        labels.append(setting)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    groups = set(table["group"])
    for text in axes.get_yticklabels():
        text.set_fontweight("bold" if text.get_text() in groups else "normal")
    axes.set(ylim=(len(labels), -1), xlim=(least, None))
    axes.set_xlabel("AUROC on the validation pairs, %; diamond and dotted line: the setting kept")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
