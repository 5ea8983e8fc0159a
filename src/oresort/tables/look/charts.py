"""The pictures of the tables: where the relevance lies, whether maps are faithful, what moves the answer."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from oresort.console.palette import BLUE, GREY, ORE, SKY, WASTE
from oresort.represent.regions import REGIONS

_COLOURS = {"trained": BLUE, "random": GREY, "shuffled": SKY}
_NAMES = {"trained": "the model", "random": "random weights", "shuffled": "shuffled labels"}


def shares_chart(table: pd.DataFrame) -> Figure:
    """Draw the mass of each map in each region, of the model and its controls, with intervals; a mark is the area."""
    maps = table["name"].unique()
    columns = min(len(maps), 3)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.7 * rows + 0.5), dpi=110, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    models = list(table["model"].unique())
    width = 0.8 / len(models)
    for axes, name in zip(panels, maps, strict=False):
        part = table[table["name"] == name]
        x = np.arange(len(REGIONS), dtype=float)
        for m, model in enumerate(models):
            own = part[part["model"] == model].set_index("region").loc[list(REGIONS)]
            ends = np.nan_to_num(np.stack([own["mass"] - own["mass_low"], own["mass_high"] - own["mass"]]))
            place = x + (m - (len(models) - 1) / 2) * width
            axes.bar(place, 100 * own["mass"], width, color=_COLOURS.get(model), label=_NAMES.get(model, model))
            axes.errorbar(place, 100 * own["mass"], 100 * ends, fmt="none", color="black", linewidth=1)
        area = part[part["model"] == models[0]].set_index("region").loc[list(REGIONS), "area"]
        axes.hlines(100 * area, x - 0.45, x + 0.45, color="black", linestyle=":", label="share of the picture")
        coarse = f"\ncells of {part['cell'].iloc[0]:.0f} pixels: coarser than the rim" if part["coarse"].any() else ""
        axes.set_title(f"{name}{coarse}", fontsize=8)
        axes.set_xticks(x, REGIONS, fontsize=8)
        axes.tick_params(axis="y", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(maps) :]:
        axes.set_axis_off()
    figure.supylabel("share of the relevance, %", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside lower center", ncols=len(labels))
    return figure


def curves_chart(table: pd.DataFrame) -> Figure:
    """Draw the probability of the decision while pixels are deleted or inserted, in a map's order and at random."""
    maps, ways = table["name"].unique(), table["way"].unique()
    size = (3.2 * len(maps) + 0.4, 2.4 * len(ways) + 0.6)
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    panels = figure.subplots(len(ways), len(maps), squeeze=False, sharex=True, sharey=True)
    for row, way in zip(panels, ways, strict=True):
        for axes, name in zip(row, maps, strict=True):
            part = table[(table["name"] == name) & (table["way"] == way)]
            for order, colour in (("map", BLUE), ("random", GREY)):
                own = part[part["order"] == order]
                label = "in the map's order" if order == "map" else "at random, as coarse"
                axes.plot(100 * own["share"], own["p"], color=colour, label=label)
            axes.set_title(f"{way}: {name}", fontsize=8)
            axes.tick_params(labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel("share of the particle's pixels, %", fontsize=8)
    figure.supylabel("probability of the decision", fontsize=9)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside lower center", ncols=2)
    return figure


def sensitivity_chart(table: pd.DataFrame) -> Figure:
    """Draw how p_ore moves with each physical change, of ore and of waste, with intervals."""
    figure = Figure(figsize=(6.2, 0.5 * len(table) + 1.3), dpi=110, layout="constrained")
    axes = figure.subplots()
    y = np.arange(len(table), dtype=float)[::-1]
    for off, key, colour, name in ((0.12, "dp_of_ore", ORE, "ore"), (-0.12, "dp_of_waste", WASTE, "waste")):
        value, low, high = (100 * table[f"{key}{end}"] for end in ("", "_low", "_high"))
        ends = np.nan_to_num(np.stack([value - low, high - value]))
        axes.errorbar(value, y + off, xerr=ends, fmt="o", color=colour, capsize=3, label=name)
    axes.axvline(0, color="black", linewidth=1)
    axes.set_yticks(y, table["change"])
    axes.set(xlabel="mean change of p_ore, points", ylim=(-0.6, len(table) - 0.4))
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, title="particles of", title_fontsize=8)
    return figure
