"""What the particles of a scan say: attenuation ratio, noise against signal, sizes, thickness and texture."""

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oresort.belt.conditions import Conditions
from oresort.belt.sorter import AXIS, BELT, COLUMNS, LINES, PIXEL, SHIFT
from oresort.represent.mask import foreground
from oresort.xray.transmission import attenuation

RATIO_AT = np.array([0.15, 0.30, 0.50, 0.70, 0.90, 1.10, 1.30])  # high-energy attenuations at which R is read
SIGNAL_EDGES = np.array([0.15, 0.30, 0.45, 0.60, 0.80])  # of transmission; scan 38 has too few pixels outside
OCTAVES = (0.0, 0.7, 1.4, 2.8, 5.6)  # Gaussians in pixels between which texture and relief of l are compared
_HALF_BIN = 0.05
_ERODE = 3
_SMALLEST = 300  # pixels: slivers at the scan's end are no particles
_FLAT = 0.03  # largest gradient of transmission per pixel where noise is measured
_COLUMNS = (500, 1400)  # where the particles of scan 38 lie and its noise hardly depends on the column


class Outline(NamedTuple):
    """One particle.

    `box` in the scan; equivalent `diameter` in mm; `aspect` length / width; `low`, `high` the 98 % quantiles
    of l and h; `texture` the rms of l about a cubic in h; `relief` (4,) the rms of l in `OCTAVES`.
    """

    box: tuple[slice, slice]
    diameter: float
    aspect: float
    low: float
    high: float
    texture: float
    relief: NDArray[np.float64]


class Logs(NamedTuple):
    """l (`raw`: not smoothed) and h (H, W) of a registered scan by a Gaussian of a pixel; particles less their rims."""

    raw: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    inside: NDArray[np.bool_]


def level(counts: NDArray[np.uint16]) -> float:
    """Return the air level of a scan's layer in counts: the belt's median."""
    return float(np.median(counts[:, BELT[0] : BELT[1]]))


def logarithms(low: NDArray[np.uint16], high: NDArray[np.uint16]) -> Logs:
    """Return the logarithms of a scan pair; the high layer as the low layer's pixels see it, by cubic splines."""
    rows = np.arange(LINES) + SHIFT
    columns = AXIS + (1 + Conditions.magnification / 100) * (np.arange(COLUMNS) - AXIS)
    grid = np.meshgrid(rows, columns, indexing="ij")
    moved = ndimage.map_coordinates(high.astype(np.float32), grid, order=3, mode="nearest")
    smooth_low, smooth_high = (
        attenuation(ndimage.gaussian_filter(layer.astype(np.float32), 1.0), level(raw))
        for layer, raw in ((low, low), (moved, high))
    )
    inside = ndimage.binary_erosion(foreground(low, level(low)), iterations=_ERODE, border_value=1)
    return Logs(attenuation(low, level(low)), smooth_low, smooth_high, np.asarray(inside))


def ratio_curve(logs: Logs) -> NDArray[np.float64]:
    """Return R = l / h (7,) at `RATIO_AT`; NaN where fewer than 30 pixels lie near."""
    low, high = logs.low[logs.inside], logs.high[logs.inside]
    bins = (np.abs(high - centre) < _HALF_BIN for centre in RATIO_AT)
    ratios = [low[near].mean() / high[near].mean() if near.sum() >= 30 else np.nan for near in bins]
    return np.array(ratios, np.float64)


def signal_variance(counts: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return (3, 5): sums of signal, of squared noise (counts, counts^2) and pixels, per bin; air last.

    Noise is the second difference along the belt, where it is independent, over sqrt(6), and only where the
    picture is nearly flat. Texture of the rock is in it, in real and simulated scans alike.
    """
    air = level(counts)
    t = counts[:, slice(*_COLUMNS)].astype(np.float32) / air
    noise = (t[:-2] - 2 * t[1:-1] + t[2:]) / np.sqrt(6.0)
    mean = ndimage.uniform_filter(t, 5)[1:-1]
    flat = ndimage.gaussian_gradient_magnitude(t, 1.5)[1:-1] < _FLAT
    bins = np.where(mean > 0.97, len(SIGNAL_EDGES) - 1, np.digitize(mean, SIGNAL_EDGES) - 1)
    use = flat & (bins >= 0) & ((mean < SIGNAL_EDGES[-1]) | (mean > 0.97))
    sums = [air * mean[use], (air * noise[use]) ** 2, np.ones(int(use.sum()))]
    return np.stack([np.bincount(bins[use], weights=w, minlength=len(SIGNAL_EDGES)) for w in sums])


def outlines(low: NDArray[np.uint16], logs: Logs) -> list[Outline]:
    """Return every particle of a scan that is not a sliver; those cut by the scan's ends are included."""
    parts, _ = ndimage.label(foreground(low, level(low)))
    found = []
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        mask = parts[box] == number
        area, core = int(mask.sum()), mask & logs.inside[box]
        if area < _SMALLEST or core.sum() < _SMALLEST // 2:
            continue
        spread = np.sqrt(np.linalg.eigvalsh(np.cov(np.stack(np.nonzero(mask)))))
        l_inside, h_inside = logs.low[box][core], logs.high[box][core]
        texture = l_inside - np.polyval(np.polyfit(h_inside, l_inside, 3), h_inside)
        diameter, aspect = PIXEL * 2 * float(np.sqrt(area / np.pi)), float(spread[1] / spread[0])
        low_peak, high_peak = (float(np.quantile(logarithm, 0.98)) for logarithm in (l_inside, h_inside))
        relief = _relief(logs.raw[box], core)
        found.append(Outline(box, diameter, aspect, low_peak, high_peak, float(np.std(texture)), relief))
    return found


def _relief(raw: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the rms (4,) of l between the Gaussians of `OCTAVES`, each over the pixels inside alone."""
    inside = ndimage.binary_erosion(inside, iterations=3)
    weight = inside.astype(np.float32)
    smooth = [raw]
    for sigma in OCTAVES[1:]:
        share = np.maximum(ndimage.gaussian_filter(weight, sigma), 1e-3)
        smooth.append(ndimage.gaussian_filter(raw * weight, sigma) / share)
    return np.array([np.std((a - b)[inside]) for a, b in itertools.pairwise(smooth)])
