"""Pictures of prepared scans: what was found and flagged."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.scan.segment.particle import Particle

# Okabe and Ito's colours stay apart for every common colour blindness; dashes also in grey print
COLOURS = {"whole": "#009E73", "parted": "#0072B2", "touching": "#CC79A7", "clipped": "#D55E00"}
"""Of particles by their flag; `whole` have none."""

_DASHES = {"whole": "solid", "parted": "dashdot", "touching": "dotted", "clipped": "dashed"}

_DPI = 100
_MOST_PIXELS = 2_500_000  # of a picture: one of the paper's scans has 1.6 million
_LARGEST_STEP = 512  # lines; what the chain reads at a time is a multiple


class Preview:
    """A scan's belt made small enough to draw, gathered while the scan streams by.

    Args:
        height: lines of the scan.
        belt: columns that see the belt.
    """

    def __init__(self, height: int, belt: slice) -> None:
        width = belt.stop - belt.start
        step = 1
        while height * width > step * step * _MOST_PIXELS and step < _LARGEST_STEP:
            step *= 2
        self.step = step
        """Lines and columns of the scan in one pixel of the picture."""
        self.height, self.belt = height, belt
        self.image = np.zeros((-(-height // step), -(-width // step)), np.uint8)
        """Transmission times 220 (H, W)."""

    def add(self, start: int, transmission: NDArray[np.float32]) -> None:
        """Take the transmission (n, belt) of the lines from `start`, a multiple of `step`, on."""
        shape = (self.image.shape[1], -(-len(transmission) // self.step))
        small = (
            transmission if self.step == 1 else cv2.resize(transmission, shape, interpolation=cv2.INTER_AREA)
        )
        top = start // self.step
        self.image[top : top + len(small)] = np.clip(small * 220, 0, 255).astype(np.uint8)


def save_png(figure: Figure, path: Path) -> None:
    """Save a picture; noise hardly compresses, so the fastest setting loses a tenth and takes a third."""
    figure.savefig(path, pil_kwargs={"compress_level": 1})


def draw_flags(preview: Preview, particles: Sequence[Particle], name: str) -> Figure:
    """Draw a scan with the outline of each particle's box in the colour of its flag.

    One pixel of a scan up to 760 lines is one of the picture; longer ones are drawn smaller, and very long
    ones in several strips from left to right. Axes count in the scan's pixels.
    """
    height, width = preview.image.shape
    strips = max(1, round(math.sqrt(height / width / 1.5)))
    rows = -(-height // strips)  # of the picture in one strip
    wide, tall = max(width, 300) / _DPI, max(rows, 60) / _DPI
    one_line = strips * width > 600  # the legend fits into one line
    left, right, bottom, top = 0.8, 0.2, 0.5, 0.8 if one_line else 1.1  # inches around and between strips
    figure = Figure(figsize=(strips * (left + wide) + right, bottom + tall + top), dpi=_DPI)
    FigureCanvasAgg(figure)
    page = figure.get_size_inches()
    kinds = [kind_of(particle) for particle in particles]
    line_width = 1.4 if preview.step == 1 else 0.6  # drawn small, thick boxes would hide what is in them
    for strip in range(strips):
        part = preview.image[strip * rows : (strip + 1) * rows]
        share = len(part) / rows
        corner = (left + strip * (left + wide)) / page[0], (bottom + tall * (1 - share)) / page[1]
        axes = figure.add_axes((*corner, wide / page[0], tall * share / page[1]))
        first = strip * rows * preview.step
        last = min(first + len(part) * preview.step, preview.height)
        extent = (preview.belt.start - 0.5, preview.belt.stop - 0.5, last - 0.5, first - 0.5)
        axes.imshow(part, cmap="gray", vmin=0, vmax=240, extent=extent, aspect="auto")
        for kind, colour in COLOURS.items():
            chosen = [
                _box(particle)
                for particle, own in zip(particles, kinds, strict=True)
                if own == kind and particle.y < last and particle.y + particle.h > first
            ]
            label = f"{kind}: {kinds.count(kind)}"
            axes.add_collection(
                PolyCollection(
                    chosen,
                    facecolors="none",
                    edgecolors=colour,
                    linestyles=_DASHES[kind],
                    lw=line_width,
                    label=label,
                )
            )
        axes.set_xlim(extent[0], extent[1])  # boxes at the border would widen the axes
        axes.set_ylim(extent[2], extent[3])
        axes.set_xlabel("column (pixels)")
        if strip == 0:
            ncols = 4 if one_line else 2
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=ncols, frameon=False, borderaxespad=0.2
            )
            axes.set_title(f"{name}: {len(particles)} particles", loc="left", pad=28 if one_line else 48)
            axes.set_ylabel("line")
    return figure


def kind_of(particle: Particle) -> str:
    """Return the flag that matters most, or `whole`."""
    return next((flag for flag in ("clipped", "touching", "parted") if getattr(particle, flag)), "whole")


def _box(particle: Particle) -> NDArray[np.float64]:
    left, right = particle.x - 2.5, particle.x + particle.w + 1.5
    top, bottom = particle.y - 2.5, particle.y + particle.h + 1.5
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
