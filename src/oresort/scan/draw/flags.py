"""A picture of a prepared scan: what was found and flagged."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.console.palette import BLACK, BLUE, GREEN, PURPLE, SKY, VERMILION
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import Corrector
from oresort.scan.draw.page import DPI, belt_page, draw_boxes, legend_above, show_belt
from oresort.scan.segment.particle import FLAGS, Particle

COLOURS = {  # by flag; `whole` have none
    **{"whole": GREEN, "mended": SKY, "parted": BLUE},
    **{"touching": PURPLE, "clipped": VERMILION, "faulty": BLACK},
}
_DASHES = {  # for grey prints
    **{"whole": "solid", "mended": "solid", "parted": "dashdot"},
    **{"touching": "dotted", "clipped": "dashed", "faulty": "dashed"},
}

_MOST_PIXELS = 2_500_000  # of a picture: one of the paper's scans has 1.6 million
_LARGEST_STEP = 512  # lines; what is read at a time is a multiple
_WHITE = 240 / 220  # transmission


class Preview:
    """The belt of a scan of `height` lines made small enough to draw, gathered while the scan streams by."""

    def __init__(self, height: int, calibration: Calibration) -> None:
        self.height, self.belt = height, calibration.belt
        width = self.belt.stop - self.belt.start
        self.step = 1  # lines and columns of the scan in one pixel of the picture
        while height * width > self.step**2 * _MOST_PIXELS and self.step < _LARGEST_STEP:
            self.step *= 2
        self.image = np.zeros((-(-height // self.step), -(-width // self.step)), np.uint8)  # transmission x 220
        self._corrector = Corrector(calibration.low, self.belt)
        self._drawn = 0

    def add(self, low: NDArray[np.uint16]) -> None:
        """Take the low layer's next counts (n, columns of the scan); n a multiple of `step` but for the last."""
        small = self._corrector(low)  # (n, W)
        if self.step > 1:
            shape = (self.image.shape[1], -(-len(low) // self.step))
            small = np.asarray(cv2.resize(small, shape, interpolation=cv2.INTER_AREA))  # (n / step, W / step)
        lines = slice(self._drawn, self._drawn + len(small))
        self.image[lines] = np.clip(small * 220, 0, 255).astype(np.uint8)
        self._drawn += len(small)


def draw_flags(preview: Preview, particles: Sequence[Particle], name: str) -> Figure:
    """Draw a scan with the outline of each particle's box in the colour of its flag.

    One pixel of a scan up to 760 lines is one of the picture; longer ones are drawn smaller, and very long
    ones in several strips from left to right. Axes count in the scan's pixels.
    """
    height, width = preview.image.shape
    strips = max(1, round(math.sqrt(height / width / 1.5)))
    rows = -(-height // strips)  # of the picture in one strip
    parts = [preview.image[start : start + rows] for start in range(0, height, rows)]  # (rows, W) each
    one_line = len(parts) * width > 800  # the legend fits into one line
    sizes = [(max(width, 300) / DPI, max(rows, 60) / DPI * len(part) / rows) for part in parts]
    figure, pictures = belt_page(sizes, 0.8 if one_line else 1.3)
    kinds = [kind_of(particle) for particle in particles]
    line_width = 1.4 if preview.step == 1 else 0.6  # drawn small, thick boxes would hide what is in them
    for strip, (axes, part) in enumerate(zip(pictures, parts, strict=True)):
        first = strip * rows * preview.step
        last = min(first + len(part) * preview.step, preview.height)
        show_belt(axes, part, 220 * _WHITE, preview.belt, slice(first, last), smooth=True)
        for kind, colour in COLOURS.items():
            alike = [particle for particle, own in zip(particles, kinds, strict=True) if own == kind]
            chosen = [particle for particle in alike if particle.y < last and particle.y + particle.h > first]
            draw_boxes(axes, chosen, colour, _DASHES[kind], line_width, f"{kind}: {kinds.count(kind)}")
    legend_above(pictures[0], 6 if one_line else 2, f"{name}: {len(particles)} particles")
    return figure


def kind_of(particle: Particle) -> str:
    """Return the flag that matters most, or `whole`."""
    return next((flag for flag in FLAGS if getattr(particle, flag)), "whole")
