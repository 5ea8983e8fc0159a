"""Every model on every shift, as a picture."""

import pandas as pd
from matplotlib.figure import Figure

from oresort.console.palette import BLUE, SKY, VERMILION
from studies.shift.settings import SHIFTS

_SHOWN = {
    "lite": (BLUE, "o"),
    "lite, wide augmentation": (VERMILION, "D"),
    "compact": (SKY, "s"),
    "standardised": ("0.5", "^"),
    "gradient boosting": ("black", "x"),
}


def draw(models: pd.DataFrame) -> Figure:
    """Draw AUROC, and balanced accuracy at the threshold from home beside the best there is, a row a shift."""
    figure = Figure(figsize=(11, 6), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    shown = {name: look for name, look in _SHOWN.items() if name in set(models["model"])}
    for step, (name, (colour, mark)) in enumerate(shown.items()):
        part = models[models["model"] == name]
        places = part["shift"].map(list(SHIFTS).index) + 0.14 * (step - (len(shown) - 1) / 2)
        left.plot(part["auroc"], places, mark, color=colour, ms=5, label=name)
        left.hlines(places, part["auroc_low"], part["auroc_high"], color=colour, lw=0.8)
        right.plot(part["balanced_accuracy"], places, mark, color=colour, ms=5)
        right.hlines(places, part["balanced_accuracy"], part["best"], color=colour, lw=0.8)
    left.set(title="AUROC, % (line: 95 % over scans)")
    right.set(title="balanced accuracy at the threshold from home, % (line: to the best)")
    left.set_yticks(range(len(SHIFTS)), list(SHIFTS))
    left.invert_yaxis()
    for axes in (left, right):
        axes.axvline(50, color="grey", lw=0.8)
        axes.grid(axis="x", lw=0.3)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(shown), frameon=False)
    return figure
