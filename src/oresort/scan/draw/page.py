"""Pages that pictures of a belt are drawn on: sizes in inches, axes that count in the scan's pixels."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.console.palette import GREY
from oresort.scan.fault import Fault
from oresort.scan.segment.particle import Particle

DPI = 100
_LEFT, _RIGHT, _BOTTOM = 0.8, 0.2, 0.5  # inches around a picture, for labels


def belt_page(sizes: Sequence[tuple[float, float]], top: float) -> tuple[Figure, list[Axes]]:
    """Return a page with axes for pictures side by side, their upper edges aligned, `top` below the page's.

    `sizes` are width and height of each; the first is the tallest. All are in inches.
    """
    tall = sizes[0][1]
    figure = Figure(figsize=(sum(_LEFT + wide for wide, _ in sizes) + _RIGHT, _BOTTOM + tall + top), dpi=DPI)
    page_wide, page_tall = figure.get_size_inches()
    pictures, x = [], _LEFT
    for wide, own in sizes:
        corner = x / page_wide, (_BOTTOM + tall - own) / page_tall
        pictures.append(figure.add_axes((*corner, wide / page_wide, own / page_tall)))
        x += wide + _LEFT
    pictures[0].set_ylabel("line")
    for axes in pictures:
        axes.set_xlabel("column (pixels)")
    return figure, pictures


def show_belt(
    axes: Axes, picture: NDArray[np.generic], brightest: float, columns: slice, lines: slice, smooth: bool
) -> None:
    """Draw a picture (H, W) of some columns and lines of a scan in grey, 0 black and `brightest` white."""
    extent = (columns.start - 0.5, columns.stop - 0.5, lines.stop - 0.5, lines.start - 0.5)
    interpolation = "auto" if smooth else "nearest"
    axes.imshow(picture, cmap="gray", vmin=0, vmax=brightest, extent=extent, aspect="auto", interpolation=interpolation)
    axes.autoscale(False)  # boxes at the border must not widen the axes


def on_lines(particle: Particle, lines: slice) -> bool:
    """Tell whether some of a particle lies on these lines."""
    return bool(particle.y < lines.stop and particle.y + particle.h > lines.start)


def draw_boxes(
    axes: Axes, particles: Sequence[Particle], colour: str, dashes: str, width: float, label: str, gap: float = 2
) -> None:
    """Draw a box `gap` pixels around each particle, all in one colour, with one entry in the legend."""
    before, behind = gap + 0.5, gap - 0.5
    ends = [(p.x - before, p.y - before, p.x + p.w + behind, p.y + p.h + behind) for p in particles]
    axes.add_collection(
        PolyCollection(
            corners(ends), facecolors="none", edgecolors=colour, linestyles=dashes, linewidths=width, label=label
        )
    )


def draw_faults(axes: Axes, faults: Sequence[Fault], belt: slice, lines: slice) -> None:
    """Hatch what of some lines is not known: the faults that could not be mended; nothing if there are none."""
    ends = []
    for columns, rows in ((fault.columns or belt, fault.lines or lines) for fault in faults if not fault.mended):
        if rows.start < lines.stop and rows.stop > lines.start:
            ends.append((columns.start - 0.5, rows.start - 0.5, columns.stop - 0.5, rows.stop - 0.5))
    if ends:
        fill = to_rgba(GREY, 0.4)
        hatched = PolyCollection(corners(ends), facecolors=fill, edgecolors=GREY, linewidths=0.5, label="not known")
        hatched.set_hatch("////")
        axes.add_collection(hatched)


def corners(ends: Sequence[tuple[float, float, float, float]]) -> list[NDArray[np.float64]]:
    """Return the corners of rectangles (4, 2) each, of their left, upper, right and lower ends."""
    return [np.array([(left, top), (right, top), (right, low), (left, low)]) for left, top, right, low in ends]


def legend_above(axes: Axes, columns: int, title: str) -> None:
    """Put the legend above the picture, in so many columns, and the title above it."""
    rows = -(-len(axes.get_legend_handles_labels()[1]) // columns)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, borderaxespad=0.2)
    axes.set_title(title, loc="left", pad=8 + 20 * rows, parse_math=False)  # a name may hold a dollar sign


def save_png(figure: Figure, path: Path) -> None:
    """Save a picture; noise hardly compresses, so the fastest setting loses a tenth and takes a third."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a scan's name in signs that the font lacks is drawn as boxes
        figure.savefig(path, pil_kwargs={"compress_level": 1})
