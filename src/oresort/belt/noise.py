"""Detector noise as measured on scan 38: quanta and electronics, row common mode, column residual."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oresort.belt.sorter import BELT, COLUMNS, LINES

GAIN = np.array([34.5, 26.0], dtype=np.float32)
"""Counts of variance per count of signal, low and high layer, columns 700-1000."""

ELECTRONIC = np.array([400.0, 375.0], dtype=np.float32)
"""Standard deviation in counts of the part that does not depend on the signal."""

KERNEL = np.array([[0.08, 0.84, 0.08], [0.12, 0.76, 0.12]], dtype=np.float32)
"""Spread of light across columns in each scintillator."""

_LATERAL = np.array(
    [
        [1.15, 1.02, 1.0, 0.98, 1.21, 1.01, 1.0, 1.03, 1.14, 1.15,
         1.12, 1.14, 1.26, 1.32, 1.67, 1.64, 1.77, 1.99, 2.09, 2.50],
        [1.07, 1.04, 0.97, 0.94, 1.16, 1.09, 1.17, 1.09, 1.07, 1.01,
         1.08, 1.18, 1.23, 1.35, 1.65, 1.77, 2.35, 2.70, 2.84, 3.77],
    ]
)  # fmt: skip
"""Noise variance over 20 equal bins of the belt, relative to columns 700-1000."""

_ROW_SD = np.array([0.0025, 0.0037])
_ROW_CORRELATION = 0.90
_ROW_LAG = 0.56
_COLUMN_SD = 0.002
_COLUMN_CORRELATION = 0.23


@dataclass(frozen=True)
class Pattern:
    """What all pixels of one scan share: relative gain per row (2, LINES) and per column (2, COLUMNS)."""

    rows: NDArray[np.float32]
    columns: NDArray[np.float32]


def lateral() -> NDArray[np.float32]:
    """Return the variance factor (2, COLUMNS) across the belt, 1 near the axis."""
    centres = 190 + (np.arange(20) + 0.5) * (2800 - 190) / 20
    return np.stack([np.interp(np.arange(COLUMNS), centres, row) for row in _LATERAL]).astype(np.float32)


def draw_pattern(rng: np.random.Generator) -> Pattern:
    """Draw the row common mode (first-order autoregression, nearly equal in both layers) and column residual."""
    white = rng.standard_normal((LINES, 2))
    rows = np.empty((LINES, 2))
    rows[0] = white[0]
    for i in range(1, LINES):
        rows[i] = _ROW_LAG * rows[i - 1] + np.sqrt(1 - _ROW_LAG**2) * white[i]
    rows[:, 1] = _ROW_CORRELATION * rows[:, 0] + np.sqrt(1 - _ROW_CORRELATION**2) * rows[:, 1]
    columns = rng.standard_normal((2, COLUMNS))
    columns[1] = _COLUMN_CORRELATION * columns[0] + np.sqrt(1 - _COLUMN_CORRELATION**2) * columns[1]
    return Pattern((rows.T * _ROW_SD[:, None]).astype(np.float32), (columns * _COLUMN_SD).astype(np.float32))


def across(image: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `image` (..., H, W) spread over neighbouring columns by a three-tap kernel; edges repeat."""
    padded = np.concatenate([image[..., :1], image, image[..., -1:]], axis=-1)
    side, middle, _ = kernel
    return np.asarray(side * (padded[..., :-2] + padded[..., 2:]) + middle * image)


def add_noise(
    rng: np.random.Generator,
    expected: NDArray[np.float32],
    pattern: Pattern,
    origin: tuple[int, int],
    exposure: float,
) -> NDArray[np.uint16]:
    """Return the counts (2, H, W) that a window of both layers reads.

    `expected` (2, H, W) are mean counts, `origin` the scan's (row, column) of the window's first pixel.
    Variance = lateral (gain I / exposure + electronic^2); the layers' pixel noise is independent.
    """
    _, height, width = expected.shape
    row, column = origin
    there = slice(column, column + width)
    profile = lateral()[:, None, there]
    sd = np.sqrt(profile * (GAIN[:, None, None] / exposure * expected + ELECTRONIC[:, None, None] ** 2))
    white = rng.standard_normal((2, height, width + 2), dtype=np.float32)
    for layer, kernel in enumerate(KERNEL):
        smooth = across(white[layer], kernel)[:, 1:-1] / np.sqrt(np.sum(kernel**2))
        sd[layer] *= smooth
    shared = 1.0 + pattern.rows[:, row : row + height, None] + pattern.columns[:, None, there]
    counts = expected * shared + sd
    return np.asarray(np.clip(np.rint(counts), 0, 65_535), dtype=np.uint16)


def outside_belt(counts: NDArray[np.uint16]) -> None:
    """Set the columns beyond the belt of whole scans (..., COLUMNS) to full scale, in place."""
    counts[..., : BELT[0]] = 65_535
    counts[..., BELT[1] :] = 65_535
