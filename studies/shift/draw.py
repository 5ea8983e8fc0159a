"""Every model on every shift, as a picture."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from oresort.console.palette import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILION

_LOOKS = ((BLUE, "o"), (VERMILION, "D"), (SKY, "s"), (GREY, "^"), (BLACK, "x"), (GREEN, "v"), (PURPLE, "<"))


def draw(figures: pd.DataFrame, models: Sequence[str]) -> Figure:
    """Draw AUROC, and balanced accuracy at the threshold from home beside the best there is, a row a shift."""
    figure = Figure(figsize=(12, 8), dpi=90, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for step, (model, (colour, mark)) in enumerate(zip(models, _LOOKS, strict=False)):
        places = figures.index + 0.11 * (step - (len(models) - 1) / 2)
        left.plot(figures[f"auroc {model}"], places, mark, color=colour, ms=4, label=model)
        ends = (figures[f"auroc {model}_{end}"] for end in ("low", "high"))
        left.hlines(places, *ends, color=colour, lw=0.8)
        right.plot(figures[f"balanced_accuracy {model}"], places, mark, color=colour, ms=4)
        right.hlines(places, figures[f"balanced_accuracy {model}"], figures[f"best {model}"], color=colour, lw=0.8)
    left.set(title="AUROC, % (line: 95 % over scans)")
    right.set(title="balanced accuracy, % (line: to the best threshold)")
    left.set_yticks(figures.index, figures["shift"])
    left.invert_yaxis()
    for axes in (left, right):
        axes.axvline(50, color=GREY, lw=0.8)
        axes.grid(axis="x", lw=0.3)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure
