"""A picture of a prepared scan: what was found and flagged."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from oresort.console.palette import BLACK, BLUE, GREEN, PURPLE, SKY, VERMILION
from oresort.scan.draw.page import draw_boxes, legend_above, on_lines
from oresort.scan.draw.preview import Preview, draw_strips
from oresort.scan.segment.particle import FLAGS, Particle

COLOURS = {  # by flag; `whole` have none
    **{"whole": GREEN, "mended": SKY, "parted": BLUE},
    **{"touching": PURPLE, "clipped": VERMILION, "faulty": BLACK},
}
_DASHES = {  # for grey prints
    **{"whole": "solid", "mended": "solid", "parted": "dashdot"},
    **{"touching": "dotted", "clipped": "dashed", "faulty": "dashed"},
}


def draw_flags(preview: Preview, particles: Sequence[Particle], name: str) -> Figure:
    """Draw a scan with the outline of each particle's box in the colour of its flag."""
    page = draw_strips(preview)
    kinds = [kind_of(particle) for particle in particles]
    for axes, lines in page.pictures:
        for kind, colour in COLOURS.items():
            alike = [particle for particle, own in zip(particles, kinds, strict=True) if own == kind]
            chosen = [particle for particle in alike if on_lines(particle, lines)]
            draw_boxes(axes, chosen, colour, _DASHES[kind], page.line_width, f"{kind}: {kinds.count(kind)}")
    legend_above(page.pictures[0][0], 6 if page.wide else 2, f"{name}: {len(particles)} particles")
    return page.figure


def kind_of(particle: Particle) -> str:
    """Return the flag that matters most, or `whole`."""
    return next((flag for flag in FLAGS if getattr(particle, flag)), "whole")
