"""Outlines of masks over a scan, beside the true ones where they are known."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.scan.draw.flags import COLOURS, kind_of
from oresort.scan.draw.page import show_belt
from oresort.scan.segment.particle import Particle


def draw_masks(
    low: NDArray[np.uint16],
    particles: Sequence[Particle],
    air: float,
    labels: NDArray[np.integer] | None = None,
    left: int = 0,
    width: int = 1_000,
) -> Figure:
    """Draw `width` columns of a scan from `left` on, with each particle's outline in the colour of its flag.

    The low layer (H, W) and its air level are in counts; `labels` (H, W), 0 for belt, are the true particles
    where they are known, drawn in white.
    """
    columns = slice(left, min(left + width, low.shape[1]))
    height = len(low)
    figure = Figure(figsize=(10.6, 1.1 + 9.8 * height / (columns.stop - left)), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    show_belt(axes, low[:, columns] / air, 1.1, columns, slice(0, height), smooth=True)
    if labels is not None:
        x, y = np.arange(columns.start, columns.stop), np.arange(height)
        for label in np.unique(labels[:, columns])[1:]:
            axes.contour(x, y, labels[:, columns] == label, [0.5], colors="white", linewidths=0.8)
        axes.plot([], [], color="lightgrey", label="truth")
    for particle in particles:
        if particle.x + particle.w < columns.start or particle.x > columns.stop:
            continue
        x = np.arange(particle.x - 1, particle.x + particle.w + 1)
        y = np.arange(particle.y - 1, particle.y + particle.h + 1)
        axes.contour(x, y, np.pad(particle.mask, 1), [0.5], colors=COLOURS[kind_of(particle)], linewidths=1.4)
    for kind, colour in COLOURS.items():
        axes.plot([], [], color=colour, label=kind)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=7, frameon=False)
    axes.set(xlabel="column (pixels)", ylabel="line")
    return figure
