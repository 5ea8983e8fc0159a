"""A picture of a sorted belt with the air of its nozzles, where that meets the belt."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from oresort.console.palette import BLACK, ORE, SKY, WASTE
from oresort.scan.draw.page import corners, draw_boxes, legend_above, on_lines
from oresort.scan.draw.preview import Preview, draw_strips
from oresort.scan.segment.particle import Particle

_KINDS = {"blown": (WASTE, "dashed"), "kept": (ORE, "solid"), "struck": (BLACK, "solid")}
_WIDTH = 800  # pixels; narrower belts are drawn larger


class Blast(NamedTuple):
    """Where one window of a nozzle meets the belt: columns and lines of the scan, fractions."""

    left: float
    right: float
    top: float
    bottom: float


def draw_ejections(
    preview: Preview, particles: Sequence[Particle], kinds: Sequence[str], blasts: Sequence[Blast]
) -> Figure:
    """Draw a belt, the air on it, and a box at each particle: to be blown out, kept, or kept and yet hit by the air.

    Args:
        preview: the belt, all of whose lines were added.
        particles: N of them, none for an empty belt.
        kinds: "blown", "kept" or "struck" (N,).
        blasts: windows of all nozzles.
    """
    page = draw_strips(preview, _WIDTH)
    for axes, lines in page.pictures:
        here = [b for b in blasts if b.top < lines.stop and b.bottom > lines.start]
        ends = [(b.left - 0.5, b.top - 0.5, b.right - 0.5, b.bottom - 0.5) for b in here]
        axes.add_collection(
            PolyCollection(
                corners(ends),
                facecolors=to_rgba(SKY, 0.35),
                edgecolors=SKY,
                linewidths=0.5,
                label=f"air: {len(blasts)}",
            )
        )
        for kind, (colour, dashes) in _KINDS.items():
            alike = [particle for particle, own in zip(particles, kinds, strict=True) if own == kind]
            chosen = [particle for particle in alike if on_lines(particle, lines)]
            draw_boxes(axes, chosen, colour, dashes, page.line_width, f"{kind}: {len(alike)}")
    legend_above(page.pictures[0][0], 6 if page.wide else 2, "air of the nozzles, where it meets the belt")
    return page.figure
