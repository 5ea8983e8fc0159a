"""A picture of a whole preparation, in which drift and odd scans show."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from oresort.console.palette import GREY, HIGH, LOW, ORE, WASTE
from oresort.scan.draw.flags import COLOURS

_NAMED = 16  # scans up to which they are named on the axis rather than numbered


def draw_summary(summary: pd.DataFrame, manifest: pd.DataFrame) -> Figure:
    """Draw particles by flag, air levels and registration of each scan, and the pairs' sizes by label.

    `summary` has one row of `summary_row` or more; `manifest` has `area` (pixels) and `label`, and may be empty.
    """
    figure = Figure(figsize=(11, 7.5), dpi=100, layout="constrained")
    (flags, air), (fit, sizes) = figure.subplots(2, 2)
    scans = np.arange(1, len(summary) + 1)
    _flags(flags, scans, summary)
    for name, colour in (("low", LOW), ("high", HIGH)):
        air.plot(scans, summary[f"air_{name}"], "o", color=colour, ms=4, label=name)
    air.set_ylabel("air level (counts)")
    air.legend(frameon=False)
    if "residual" in summary:
        fit.plot(scans, summary["unregistered"], "s", color=GREY, ms=4, label="unregistered")
        fit.plot(scans, summary["residual"], "o", color="black", ms=4, label="registered")
        fit.set_ylim(bottom=0)
        fit.legend(frameon=False)
    else:
        fit.text(0.5, 0.5, "layers not registered", ha="center", transform=fit.transAxes)
    fit.set_ylabel("rms of l about quadratics in h")
    for axes in (flags, air, fit):
        _name_scans(axes, scans, summary)
    _sizes(sizes, manifest)
    pairs, several = int(summary["pairs"].sum()), "" if len(summary) == 1 else "s"
    figure.suptitle(f"{pairs:,} pairs of {len(summary):,} scan{several}", x=0.01, ha="left")
    return figure


def _flags(axes: Axes, scans: np.ndarray, summary: pd.DataFrame) -> None:
    """Stack the numbers of particles by flag; one with several flags counts for each."""
    flagged = [name for name in COLOURS if name in summary]
    whole = (summary["particles"] - summary[flagged].sum(axis=1)).clip(lower=0)
    bottom = np.zeros(len(summary))
    for name, count in (("no flag", whole), *((flag, summary[flag]) for flag in flagged)):
        colour = COLOURS.get(name, COLOURS["whole"])
        axes.bar(scans, count, 0.8, bottom=bottom, color=colour, label=f"{name}: {int(count.sum()):,}")
        bottom = bottom + count.to_numpy()
    axes.set_ylabel("particles")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, columnspacing=1)


def _sizes(axes: Axes, manifest: pd.DataFrame) -> None:
    diameter = np.sqrt(4 / np.pi * manifest["area"].to_numpy(float))
    edges = np.histogram_bin_edges(diameter, min(30, 5 + diameter.size // 20)).tolist()
    for name, colour in (("ore", ORE), ("waste", WASTE), ("", GREY)):
        chosen = diameter[manifest["label"] == name]
        if chosen.size:
            label = f"{name or 'no label'}: {chosen.size:,}"
            axes.hist(chosen, edges, histtype="step", lw=1.5, color=colour, label=label)
    if diameter.size:
        axes.legend(frameon=False)
    axes.set_xlabel("diameter of a disc of the same area (pixels)")
    axes.set_ylabel("pairs")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def _name_scans(axes: Axes, scans: np.ndarray, summary: pd.DataFrame) -> None:
    axes.set_xlim(0.4, len(scans) + 0.6)
    if len(scans) <= _NAMED:
        turned = 0 if summary["scan"].str.len().sum() < 40 else 60
        place = "right" if turned else "center"
        axes.set_xticks(scans, summary["scan"], rotation=turned, ha=place, parse_math=False)
    else:
        axes.set_xlabel("scan, in the order of summary.csv")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
