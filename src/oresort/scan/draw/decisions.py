"""A picture of a sorted belt: what each particle was decided to be."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.console.palette import ORE, WASTE
from oresort.scan.draw.flags import COLOURS
from oresort.scan.draw.page import draw_boxes, draw_faults, legend_above, on_lines
from oresort.scan.draw.preview import Preview, draw_strips
from oresort.scan.fault import Fault
from oresort.scan.segment.particle import Particle

_STYLES = {"ore": (ORE, "solid"), "waste": (WASTE, "dashed")}  # dashes for grey prints
_FLAGS = ("faulty", "clipped", "touching")  # those that a policy may follow, the gravest first
_WIDTH = 800  # pixels; narrower belts are drawn larger
_NUMBERED = 300  # particles up to which each bears its probability: more would hide the belt


def draw_decisions(
    preview: Preview,
    particles: Sequence[Particle],
    decisions: Sequence[str],
    p_ore: NDArray[np.floating],
    threshold: float,
    faults: Sequence[Fault] = (),
) -> Figure:
    """Draw a belt with a box at each particle, solid for ore and dashed for waste; a second box says it is flagged.

    What of the belt is not known is hatched. Where there is room each box bears its probability.

    Args:
        preview: the belt, all of whose lines were added.
        particles: N of them, none for an empty belt.
        decisions: "ore" or "waste" (N,).
        p_ore: probabilities of ore (N,), 0 to 1.
        threshold: from which on a particle is ore.
        faults: of the belt.
    """
    page = draw_strips(preview, _WIDTH)
    flags = [next((flag for flag in _FLAGS if getattr(particle, flag)), "") for particle in particles]
    numbered = preview.step == 1 and len(particles) <= _NUMBERED
    for axes, lines in page.pictures:
        here = [i for i, particle in enumerate(particles) if on_lines(particle, lines)]
        draw_faults(axes, faults, preview.belt, lines)
        for name, (colour, dashes) in _STYLES.items():
            chosen = [particles[i] for i in here if decisions[i] == name]
            draw_boxes(axes, chosen, colour, dashes, page.line_width, f"{name}: {list(decisions).count(name)}")
        for flag in _FLAGS:
            if count := flags.count(flag):
                chosen = [particles[i] for i in here if flags[i] == flag]
                outer = 3 + 3 * preview.step
                draw_boxes(axes, chosen, COLOURS[flag], "dotted", 1.5, f"{flag}: {count}", outer)
        if numbered:
            for i in here:
                _number(axes, particles[i], decisions[i], p_ore[i], preview.belt, lines)
    title = f"{len(particles)} particles at threshold {threshold:.3f}"
    title += " (numbers: probability of ore)" if numbered else ""
    legend_above(page.pictures[0][0], 6 if page.wide else 2, title)
    return page.figure


def _number(axes: Axes, particle: Particle, decision: str, p: float, belt: slice, lines: slice) -> None:
    # beside the box, where there is room even for particles at the belt's first or last line
    room = particle.x + particle.w + 50 < belt.stop
    x = particle.x + particle.w + 5 if room else particle.x - 6
    middle = particle.y + particle.h / 2
    axes.annotate(
        f"{p:.2f}",
        (x, min(max(middle, lines.start + 8), max(lines.stop - 8, lines.start + 8))),
        ha="left" if room else "right",
        va="center",
        fontsize=9,
        fontweight="bold",
        color="white",
        bbox={"boxstyle": "round,pad=0.2", "fc": _STYLES[decision][0], "ec": "none"},
    )
