"""A picture of a sorted scan: what each particle was decided to be."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.console.palette import ORE, WASTE
from oresort.scan.calibrate.air import belt_columns
from oresort.scan.draw.page import DPI, belt_page, draw_boxes, legend_above, show_belt
from oresort.scan.segment.particle import Particle

_STYLES = {"ore": (ORE, "solid"), "waste": (WASTE, "dashed")}  # dashes for grey prints

_MIN_WIDTH, _MAX_SIDE = 800, 16_000  # pixels; narrower scans are drawn larger and longer ones smaller


def draw_decisions(
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
        particles: N of them, none for an empty belt.
        decisions: "ore" or "waste" (N,).
        p_ore: probabilities of ore (N,), 0 to 1.
    """
    columns = belt_columns(low)
    height, width = low.shape[0], columns.stop - columns.start
    scale = min(max(1.0, _MIN_WIDTH / width), _MAX_SIDE / max(height, width))
    figure, (axes,) = belt_page([(width * scale / DPI, height * scale / DPI)], 0.7)
    show_belt(axes, low[:, columns] / np.float32(air), 1.1, columns, slice(0, height), smooth=scale != 1)
    for name, (colour, dashes) in _STYLES.items():
        chosen = [p for p, decision in zip(particles, decisions, strict=True) if decision == name]
        draw_boxes(axes, chosen, colour, dashes, 1.5, f"{name}: {len(chosen)}")
    for particle, decision, p in zip(particles, decisions, p_ore, strict=True):
        # beside the box, where there is room even for particles at the scan's first or last row
        room = particle.x + particle.w + 50 < columns.stop
        x = particle.x + particle.w + 5 if room else particle.x - 6
        axes.annotate(
            f"{p:.2f}",
            (x, np.clip(particle.y + particle.h / 2, 8, max(height - 8, 8))),
            ha="left" if room else "right",
            va="center",
            fontsize=9,
            fontweight="bold",
            color="white",
            bbox={"boxstyle": "round,pad=0.2", "fc": _STYLES[str(decision)][0], "ec": "none"},
        )
    legend_above(axes, 2, f"{len(particles)} particles (numbers: probability of ore)")
    return figure
