"""Pictures for studies and notebooks: masks over a scan, and what the columns of a sorter read."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oresort.belt.scan import Scan
from oresort.scan.calibration import Calibration
from oresort.scan.particles import Particle

_COLOURS = {"whole": "#009E73", "parted": "#0072B2", "touching": "#CC79A7", "cut": "#D55E00"}
_WIDTH = 1_000  # columns shown


def draw_masks(scan: Scan, particles: Sequence[Particle], air: float, left: int = 700) -> Figure:
    """Draw a part of a simulated scan: true outlines in white, found ones in the colour of their flag."""
    columns = slice(left, left + _WIDTH)
    figure = Figure(figsize=(10.6, 6.9), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    extent = (columns.start - 0.5, columns.stop - 0.5, len(scan.low) - 0.5, -0.5)
    axes.imshow(scan.low[:, columns] / air, cmap="gray", vmin=0, vmax=1.1, extent=extent)
    for label in np.unique(scan.labels[:, columns])[1:]:
        mask = scan.labels[:, columns] == label
        axes.contour(
            np.arange(columns.start, columns.stop),
            np.arange(len(mask)),
            mask,
            [0.5],
            colors="white",
            linewidths=0.8,
        )
    for particle in particles:
        if particle.x + particle.w < columns.start or particle.x > columns.stop:
            continue
        kind = next((flag for flag in ("cut", "touching", "parted") if getattr(particle, flag)), "whole")
        padded = np.pad(particle.mask, 1)
        x = np.arange(particle.x - 1, particle.x + particle.w + 1)
        y = np.arange(particle.y - 1, particle.y + particle.h + 1)
        axes.contour(x, y, padded, [0.5], colors=_COLOURS[kind], linewidths=1.4)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])
    for kind, colour in _COLOURS.items():
        axes.plot([], [], color=colour, label=kind)
    axes.plot([], [], color="lightgrey", label="truth")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=5, frameon=False)
    axes.set_xlabel("column (pixels)")
    axes.set_ylabel("line")
    return figure


def draw_profiles(calibration: Calibration) -> Figure:
    """Draw what a calibration knows across the belt: air of both layers, noise, and the layers' offset."""
    belt = calibration.belt
    columns = np.arange(belt.start, belt.stop)
    fit = calibration.registration
    figure = Figure(figsize=(9, 7), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    air, noise, shift = figure.subplots(3, 1, sharex=True)
    for name, layer, colour in (("low", calibration.low, "#0072B2"), ("high", calibration.high, "#D55E00")):
        air.plot(columns, 100 * (layer.air[belt] / layer.level - 1), color=colour, lw=0.8, label=name)
        noise.plot(columns, 100 * layer.noise[belt], color=colour, label=name)
    air.set_ylabel("air, % off its mean")
    noise.set_ylabel("noise of smoothed air, %")
    air.legend(frameon=False, ncols=2)
    if fit is not None:
        shift.plot(columns, fit.scale * columns + fit.column_offset - columns, color="black")
    shift.axhline(0, color="grey", lw=0.6)
    shift.set_ylabel("high layer's offset, columns")
    shift.set_xlabel("column (pixels)")
    return figure
