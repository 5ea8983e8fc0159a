"""Pictures of scans, as matplotlib figures without global state: show them in a notebook or save them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from oresort.scan.calibrate.air import belt_columns
from oresort.scan.segment.particle import Particle

# bluish green and vermilion stay apart for every common colour blindness (Okabe and Ito, 2008); the dashes
# also for a grey print
_STYLES = {"ore": ("#009E73", "solid"), "waste": ("#D55E00", "dashed")}

_DPI = 100
_MIN_WIDTH, _MAX_SIDE = 800, 16_000  # pixels; narrower scans are drawn larger and longer ones smaller


def overlay(
    low: NDArray[np.uint16],
    air: float,
    particles: Sequence[Particle],
    decisions: NDArray[np.str_],
    p_ore: NDArray[np.floating],
) -> Figure:
    """Draw the transmission of a scan's belt with a box and the probability of ore at each particle.

    One pixel of the scan is one of the picture, save for very small and very long scans; axes count in the
    scan's pixels.

    Args:
        low: low-energy layer (H, W) in counts.
        air: its air level in counts.
        particles: boxes (N of them); none for an empty belt.
        decisions: "ore" or "waste" (N,).
        p_ore: probabilities of ore (N,), 0 to 1.

    Returns:
        The figure; `savefig` writes it.
    """
    columns = belt_columns(low)
    height, width = low.shape[0], columns.stop - columns.start
    scale = min(max(1.0, _MIN_WIDTH / width), _MAX_SIDE / max(height, width)) / _DPI
    wide, tall = width * scale, height * scale
    left, right, bottom, top = 0.7, 0.2, 0.5, 0.7  # inches, for ticks, labels, title and legend
    figure = Figure(figsize=(left + wide + right, bottom + tall + top), dpi=_DPI)
    FigureCanvasAgg(figure)
    page_wide, page_tall = figure.get_size_inches()
    axes = figure.add_axes((left / page_wide, bottom / page_tall, wide / page_wide, tall / page_tall))
    axes.imshow(
        low[:, columns] / np.float32(air),
        cmap="gray",
        vmin=0.0,
        vmax=1.1,
        extent=(columns.start - 0.5, columns.stop - 0.5, height - 0.5, -0.5),
        interpolation="nearest" if scale == 1 / _DPI else "auto",
    )
    for particle, decision, p in zip(particles, decisions, p_ore, strict=True):
        colour, line = _STYLES[str(decision)]
        corner = (particle.x - 2.5, particle.y - 2.5)
        axes.add_patch(
            Rectangle(corner, particle.w + 4, particle.h + 4, fill=False, ec=colour, ls=line, lw=1.5)
        )
        # beside the box, where there is room even for particles at the scan's first or last row
        room = particle.x + particle.w + 50 < columns.stop
        axes.annotate(
            f"{p:.2f}",
            (
                particle.x + particle.w + 5 if room else particle.x - 6,
                np.clip(particle.y + particle.h / 2, 8, max(height - 8, 8)),
            ),
            ha="left" if room else "right",
            va="center",
            fontsize=9,
            fontweight="bold",
            color="white",
            bbox={"boxstyle": "round,pad=0.2", "fc": colour, "ec": "none"},
        )
    ore, waste = (int(np.sum(decisions == name)) for name in _STYLES)
    axes.set_title(
        f"{len(particles)} particles: {ore} ore, {waste} waste (numbers: probability of ore)",
        loc="left",
        pad=26,
    )
    handles = [Line2D([], [], color=c, ls=s, lw=1.5, label=name) for name, (c, s) in _STYLES.items()]
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, borderaxespad=0.1
    )
    axes.set_xlabel("column (pixels)")
    axes.set_ylabel("row (pixels)")
    return figure
