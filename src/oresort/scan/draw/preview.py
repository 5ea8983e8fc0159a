"""The belt made small while its lines stream by, and the page on which it is drawn, in strips where it is long."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import Corrector
from oresort.scan.draw.page import DPI, belt_page, show_belt

MOST_PIXELS = 2_500_000  # of a picture: one of the paper's scans has 1.6 million
_WHITE = 240  # of 255 grey values, of which bare belt has 220


class Preview:
    """The belt of `height` lines made small enough to draw, of `most` pixels or little more."""

    def __init__(self, height: int, calibration: Calibration, most: int = MOST_PIXELS) -> None:
        self.height, self.belt = height, calibration.belt
        width = self.belt.stop - self.belt.start
        self.step = max(1, math.ceil(math.sqrt(height * width / most)))  # pixels of the scan in one of the picture
        self.image = np.zeros((-(-height // self.step), -(-width // self.step)), np.uint8)  # transmission x 220
        self._corrector = Corrector([calibration.low], self.belt)
        self._rest = np.empty((0, width), np.float32)  # lines that do not yet fill one of the picture
        self._drawn = self._seen = 0

    def add(self, low: NDArray[np.uint16]) -> None:
        """Take the low layer's next counts (n, columns of the scan), any number of lines."""
        small = self._corrector(low[:, None, self.belt])[:, 0]  # (n, W)
        self._seen += len(low)
        if self.step > 1:
            small = np.concatenate([self._rest, small])
            whole = len(small) if self._seen >= self.height else len(small) // self.step * self.step
            small, self._rest = small[:whole], small[whole:]
            shape = (self.image.shape[1], -(-len(small) // self.step))
            if not whole:
                return
            small = np.asarray(cv2.resize(small, shape, interpolation=cv2.INTER_AREA))  # (n / step, W / step)
        lines = slice(self._drawn, self._drawn + len(small))
        self.image[lines] = np.clip(small * 220 + 0.5, 0, 255).astype(np.uint8)
        self._drawn += len(small)


class Strips(NamedTuple):
    """A page that shows a belt, in one strip or several from left to right; axes count in the scan's pixels."""

    figure: Figure
    pictures: list[tuple[Axes, slice]]  # and the lines that each shows
    wide: bool  # its legend fits into one line
    line_width: float  # of boxes


def draw_strips(preview: Preview, least: int = 300) -> Strips:
    """Draw a belt; one pixel of its preview is one of the picture, unless the page is narrower than `least` pixels.

    Short belts make one strip, very long ones several, so that the page is about as wide as high.
    """
    height, width = preview.image.shape
    count = max(1, round(math.sqrt(height / width / 1.5)))
    rows = -(-height // count)  # of the picture in one strip
    parts = [preview.image[start : start + rows] for start in range(0, height, rows)]  # (rows, W) each
    scale = max(1.0, least / (len(parts) * width))
    sizes = [(width * scale / DPI, max(rows * scale, 60) / DPI * len(part) / rows) for part in parts]
    wide = len(parts) * width * scale > 800
    figure, axes = belt_page(sizes, 0.8 if wide else 1.3)
    pictures = []
    for number, (picture, part) in enumerate(zip(axes, parts, strict=True)):
        first = number * rows * preview.step
        lines = slice(first, min(first + len(part) * preview.step, preview.height))
        show_belt(picture, part, _WHITE, preview.belt, lines, smooth=True)
        pictures.append((picture, lines))
    # drawn small, thick boxes would hide what is in them
    return Strips(figure, pictures, wide, 1.4 if preview.step == 1 else 0.6)
