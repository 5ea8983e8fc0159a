"""Detector noise as measured on scan 38: quanta and electronics, row common mode, column residual."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.belt.sorter import COLUMNS, LINES, MODULE
from oresort.belt.spread import LIGHT
from oresort.xray.transmission import FULL_SCALE

# low and high layer each; variance per count of signal, near the axis (columns 700-1000)
GAIN = np.array([37.1, 27.0], dtype=np.float32)
SKEW = np.array([0.13, 0.055], dtype=np.float32)  # of pixel noise in air: a quantum's light yield varies
ELECTRONIC = np.array([260.0, 350.0], dtype=np.float32)
"""Standard deviation in counts of the part that does not depend on the signal. A line through the variances of scan 38
has more (400 and 375), but inside rocks those contain the rock's grain, which is simulated for itself."""

_LATERAL = np.array(
    [
        [1.20, 1.10, 1.01, 0.98, 0.96, 1.02, 0.98, 0.94, 0.99, 1.19, 1.16,
         1.18, 1.19, 1.30, 1.40, 1.74, 1.63, 1.91, 2.00, 2.26, 2.64],
        [1.10, 0.98, 1.00, 0.90, 0.91, 1.00, 1.07, 1.05, 1.01, 1.06, 0.99,
         1.09, 1.18, 1.26, 1.40, 1.72, 1.75, 2.52, 2.84, 2.84, 3.88],
    ]
)  # fmt: skip
"""Noise variance of modules 1-21, which cover the belt, relative to columns 700-1000."""

_PIXEL_JITTER = np.array([0.05, 0.07])  # of the variance, from column to column
_SEAM = np.array([1.3, 1.1])  # variance of a module's first column over its neighbours'

_ROW_SD = np.array([0.0023, 0.0036])
_ROW_CORRELATION = 0.97  # between the layers
_ROW_POWER = np.array([0.025, 0.345, 0.255, 0.185, 0.09, 0.035, 0.02, 0.018, 0.014, 0.013])
"""Power of the row common mode in ten equal bands from 0 to half a cycle per line: ripple, slow drift removed."""

_COLUMN_SD = np.array([0.00094, 0.00045])
_COLUMN_WIDTH = 2.0  # columns: the residual of flat-fielding is smooth


@dataclass(frozen=True)
class Pattern:
    """What all pixels of one scan share.

    `rows` (2, LINES) and `columns` (2, COLUMNS) are relative deviations of gain; `variance` (2, COLUMNS) is the noise
    variance relative to the axis.
    """

    rows: NDArray[np.float32]
    columns: NDArray[np.float32]
    variance: NDArray[np.float32]


def draw_pattern(rng: np.random.Generator) -> Pattern:
    """Draw one scan's row common mode, column residual and noise profile across the belt."""
    return Pattern(_draw_rows(rng), _draw_columns(rng), _draw_variance(rng))


def _draw_rows(rng: np.random.Generator) -> NDArray[np.float32]:
    frequency = np.fft.rfftfreq(LINES)
    amplitude = np.sqrt(np.interp(frequency, 0.025 + 0.05 * np.arange(10), _ROW_POWER))  # (F,)
    # a scan's mean level is its air, which is drawn elsewhere
    amplitude[0] = 0.0
    rows = np.fft.irfft(np.fft.rfft(rng.standard_normal((2, LINES))) * amplitude, n=LINES)  # (2, LINES)
    rows /= np.sqrt(np.mean(rows**2, axis=1, keepdims=True))
    # weights whose squares add up to 1 leave the second layer at unit variance
    rows[1] = _ROW_CORRELATION * rows[0] + np.sqrt(1 - _ROW_CORRELATION**2) * rows[1]
    return np.asarray(rows * _ROW_SD[:, None], dtype=np.float32)


def _draw_columns(rng: np.random.Generator) -> NDArray[np.float32]:
    reach = np.arange(-8, 9)
    smooth = np.exp(-np.abs(reach) / _COLUMN_WIDTH)
    smooth /= np.sqrt(np.sum(smooth**2))  # so white noise keeps its variance
    white = rng.standard_normal((2, COLUMNS + 16))
    columns = np.stack([np.convolve(layer, smooth, mode="valid") for layer in white])  # (2, COLUMNS)
    return np.asarray(columns * _COLUMN_SD[:, None], dtype=np.float32)


def _draw_variance(rng: np.random.Generator) -> NDArray[np.float32]:
    column = np.arange(COLUMNS)
    # module 0 lies outside the belt
    module = np.clip(column // MODULE - 1, 0, _LATERAL.shape[1] - 1)
    variance = _LATERAL[:, module] * np.exp(_PIXEL_JITTER[:, None] * rng.standard_normal((2, COLUMNS)))
    variance[:, column % MODULE == 0] *= _SEAM[:, None]
    return np.asarray(variance, dtype=np.float32)


def add_noise(
    rng: np.random.Generator,
    expected: NDArray[np.float32],
    pattern: Pattern,
    origin: tuple[int, int],
    exposure: float,
    factor: float = 1.0,
) -> NDArray[np.uint16]:
    """Return the counts (2, H, W) that a window of both layers reads.

    `expected` (2, H, W) are mean counts, `origin` the scan's (row, column) of the window's first pixel, `exposure` the
    quanta relative to scan 38, `factor` that of the deviation. Variance = factor^2 profile (gain I / exposure +
    electronic^2); the layers' noise is independent.
    """
    _, height, width = expected.shape
    rows, columns = slice(origin[0], origin[0] + height), slice(origin[1], origin[1] + width)
    counts = np.empty_like(expected)
    for layer, kernel in enumerate(LIGHT):
        white = rng.standard_normal((height, width), dtype=np.float32)
        white += (SKEW[layer] / 6) * (white * white - 1)  # Cornish-Fisher, first order
        # light ties neighbours' noise together; the variances were measured after it, so the kernel must keep them
        noise = cv2.filter2D(white, -1, kernel[None] / np.sqrt(np.sum(kernel**2)), borderType=cv2.BORDER_REPLICATE)
        profile, signal = pattern.variance[layer, columns], expected[layer]  # (W,), (H, W)
        noise *= factor * np.sqrt(profile * (GAIN[layer] / exposure * signal + ELECTRONIC[layer] ** 2))
        shared = 1 + pattern.rows[layer, rows, None] + pattern.columns[layer, columns]  # (H, W)
        np.add(signal * shared, noise, out=counts[layer])
    np.rint(counts, out=counts)
    return np.asarray(np.clip(counts, 0, FULL_SCALE, out=counts), dtype=np.uint16)
