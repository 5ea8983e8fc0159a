"""Pictures of the study of value."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oresort.console.palette import BLACK, BLUE, GREEN, GREY, PURPLE, SKY, VERMILION
from oresort.sorting.prices import Prices
from studies.value.settings import APART, MIXED

_SORTING = (0.75, 1.5, 3.0)  # costs of sorting a tonne, at each of which a line of the map is zero


def draw_prices(table: pd.DataFrame, prices: Prices) -> Figure:
    """Draw what sorting adds by price of metal, of every mine, and where it pays by association and price."""
    figure = Figure(figsize=(10.5, 4.4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    currency = prices.currency.replace("$", r"\$")
    apart, mixed = (table[table["mine"] == kind] for kind in (APART, MIXED))
    for kind, colour, part in ((APART, BLUE, apart), (MIXED, VERMILION, mixed)):
        shades = np.linspace(1, 0.25, part["association"].nunique())[::-1]  # the darkest for the most, or for all
        for shade, (association, group) in zip(shades, part.groupby("association"), strict=True):
            style = {"color": colour, "alpha": float(shade), "marker": "."}
            left.plot(group["metal_price"], group["gain"], label=f"{kind}, association {association:g}", **style)
    best = apart[apart["association"] == apart["association"].max()]
    left.plot(best["metal_price"], best["perfect"], color=GREEN, label="perfect sorting")
    left.set(ylabel=f"{currency} per tonne of feed,\nless the better of milling and dumping all")
    left.set_ylim(-3 * prices.sort_cost, 1.05 * best["perfect"].max())
    grid = apart.pivot(index="association", columns="metal_price", values="gain")
    drawn = right.pcolormesh(grid.columns, grid.index, grid, cmap="PuOr_r", vmin=-3, vmax=3, shading="gouraud")
    figure.colorbar(drawn, ax=right, label=f"{currency} per tonne of feed")
    lines = right.contour(grid.columns, grid.index, grid, [cost - prices.sort_cost for cost in _SORTING], colors=BLACK,
                          linestyles=[":", "-", "--"])  # fmt: skip
    right.clabel(lines, fmt={c - prices.sort_cost: f"0 at a cost of {c:g}" for c in _SORTING}, fontsize=8)
    right.set(ylabel="association of alteration and copper", title="ore and waste mined apart")
    for axes in (left, right):
        _priced(axes, prices, currency, table["metal_price"].tolist())
    left.axhline(0, color=GREY, linewidth=1)
    left.legend(fontsize=7, loc="lower left")
    return figure


def _priced(axes: Axes, prices: Prices, currency: str, known: list[float]) -> None:
    axes.set_xscale("log")
    ticks = [price for price in (2000, 3000, 5000, 9000, 15000, 25000) if min(known) <= price <= max(known)]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel(f"price of a tonne of metal, {currency}")
    axes.axvline(prices.metal_price, color=GREY, linewidth=1, linestyle=":")


def draw_points(points: pd.DataFrame, labels: pd.DataFrame, prices: Prices) -> Figure:
    """Draw gain by AUROC at several prices, and by labels."""
    figure = Figure(figsize=(10.5, 4.2), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    currency = prices.currency.replace("$", r"\$")
    for place, (price, group) in enumerate(points.groupby("metal_price")):
        colour = (SKY, BLUE, PURPLE, GREEN)[place % 4]
        noise = group["sorter"].str.startswith("noise")
        line, others = group[noise], group[~noise]
        bars = np.abs(line[["gain_low", "gain_high"]].to_numpy().T - line["gain"].to_numpy())
        left.errorbar(line["auroc"], line["gain"], bars, color=colour, marker="o", capsize=2, label=(
            f"{price:,.0f} {currency}/t, noise on the model"))  # fmt: skip
        crosses = "R alone, and mean attenuation alone" if price == prices.metal_price else None
        left.plot(others["auroc"], others["gain"], "x", color=colour, label=crosses)
    left.set(xlabel="AUROC of the break-even grade, %", ylabel=f"{currency} per tonne of feed, gained by sorting")
    left.axhline(0, color=GREY, linewidth=1)
    left.legend(fontsize=7)
    ways = list(labels["labels"].unique())
    for place, way in enumerate(ways):
        mine = labels[labels["labels"] == way]
        right.plot([place] * len(mine), mine["gain"], "o", color=BLUE, alpha=0.5)
        right.plot([place], [mine["gain"].mean()], "_", color=VERMILION, markersize=30)
    right.set_xticks(range(len(ways)), [way.replace(", ", ",\n") for way in ways])
    right.set(ylabel=f"{currency} per tonne of feed, gained by sorting", xlim=(-0.5, len(ways) - 0.5))
    right.axhline(0, color=GREY, linewidth=1)
    right.set_title("learned from labels by ...; a point a seed, a line their mean", fontsize=9)
    for axes in (left, right):
        axes.grid(alpha=0.3)
    return figure
