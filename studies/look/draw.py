"""The picture: the share of the relevance inside of every model beside its controls, and what moves its answer."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oresort.console.palette import BLUE, GREY, ORE, SKY, WASTE

_COLOURS = {"trained": BLUE, "random": GREY, "shuffled": SKY}
_NAMES = {"trained": "trained", "random": "random weights", "shuffled": "shuffled labels"}


def draw(shares: pd.DataFrame, moved: pd.DataFrame) -> Figure:
    """Return the figure: two maps' shares inside by model, and the mean change of p_ore of two physical changes."""
    figure = Figure(figsize=(13, 4.2), dpi=110, layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    models = list(dict.fromkeys(shares["trained_as"]))
    cams = shares[shares["map"].str.startswith("grad_cam")]
    _inside(
        left, cams.groupby(["trained_as", "model", "region"], sort=False).mean(numeric_only=True).reset_index(), models
    )
    left.set_title("Grad-CAM, mean of the towers", fontsize=9)
    _inside(middle, shares[shares["map"] == "gradients"], models)
    middle.set_title("integrated gradients", fontsize=9)
    left.set_ylabel("share of the relevance inside, %")
    y = np.arange(len(models), dtype=float)[::-1]
    for change, marker in (("10 % thicker", "o"), ("2 % more pyrite", "s")):
        own = moved[moved["change"] == change].set_index("trained_as").loc[models]
        for key, colour, off in (("dp_of_ore", ORE, 0.1), ("dp_of_waste", WASTE, -0.1)):
            value, low, high = (100 * own[f"{key}{end}"].to_numpy(float) for end in ("", "_low", "_high"))
            ends = np.nan_to_num(np.stack([value - low, high - value]))
            kind = key.removeprefix("dp_of_")
            place = y + off + (0.2 if marker == "o" else -0.2)
            right.errorbar(value, place, xerr=ends, fmt=marker, color=colour, markersize=4, label=f"{change}, {kind}")
    right.axvline(0, color="black", linewidth=1)
    right.set_yticks(y, [_lines(name) for name in models], fontsize=7)
    right.set_title("mean change of p_ore, points", fontsize=9)
    figure.legend(*left.get_legend_handles_labels(), fontsize=7, ncols=4, loc="outside lower left")
    figure.legend(*right.get_legend_handles_labels(), fontsize=7, ncols=4, loc="outside lower right")
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _lines(name: str) -> str:
    return name.replace(", ", ",\n").replace(" of ", "\nof ")


def _inside(axes: Axes, table: pd.DataFrame, models: list[str]) -> None:
    own = table[table["region"] == "inside"]
    x = np.arange(len(models), dtype=float)
    for number, (weights, colour) in enumerate(_COLOURS.items()):
        part = own[own["model"] == weights].set_index("trained_as").reindex(models)
        value, low, high = (100 * part[f"mass{end}"].to_numpy(float) for end in ("", "_low", "_high"))
        place = x + 0.27 * (number - 1)
        axes.bar(place, value, 0.27, color=colour, label=_NAMES[weights])
        ends = np.nan_to_num(np.stack([value - low, high - value]))
        axes.errorbar(place, value, ends, fmt="none", color="black", linewidth=1)
    area = own[own["model"] == "trained"].set_index("trained_as").reindex(models)["area"]
    axes.hlines(100 * area, x - 0.42, x + 0.42, color="black", linestyle=":", label="share of the picture")
    axes.set_xticks(x, [_lines(name) for name in models], fontsize=7)
    axes.set_ylim(0, 100)
