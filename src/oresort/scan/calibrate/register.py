"""Bring the high-energy layer onto the low-energy layer's pixels.

The rear detector layer is farther from the source, so a fan beam magnifies it a little: a point at low (x, y)
is at high (`scale` x + `column_offset`, y + `row_offset`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from oresort.errors import InputError
from oresort.scan.calibrate.air import belt_columns
from oresort.scan.segment.particle import Particle
from oresort.xray.transmission import attenuation

_MARGIN = 24  # pixels seen around a particle's box: the layers lie up to 14 columns apart
_MAX_PARTICLES = 60  # evenly along the belt: some tens fix the layers to 0.01 pixel, a hundred take seconds
_MAX_PIXELS = 40_000  # compared, evenly over the particles: more would cost time and tell no more
# Gaussian applied to both layers before comparison, pixels. Without it the interpolation's own smoothing, strongest at
# half a pixel, would lower the residual there and draw the fit to it.
_SMOOTHING = 1.0
_USUAL = 0.04  # residual of registered layers, of noise and texture; what is left over far beyond it hardly counts
_UNEXPLAINED = 0.4  # residual over rms of low attenuation from which layers show different things; 0.04 on scan 38

LEAST_RATIO = 1.03
"""Least low over high attenuation: low energies are attenuated more by whatever matter, 1.4-1.8 times by rock."""

DIFFERENT = "the layers do not show the same particles; give two layers of one scan"
EXCHANGED = "low attenuates no more than high; exchange low and high, or give two layers"


class LayersDifferError(InputError):
    """The layers are not of one scan, or exchanged: no crops of any kind can be right."""


@dataclass(frozen=True)
class Registration:
    """Where the high layer sees what the low layer sees, in pixels, and how well that was found."""

    scale: float  # magnification across the belt, 1.005-1.011 on known sorters
    column_offset: float  # high column of low column 0
    row_offset: float  # rows by which the high layer lags
    residual: float  # rms of low attenuation about each particle's quadratic in high attenuation, registered
    unregistered: float  # the same, with the layers as they came

    @property
    def centre(self) -> float:
        """Column at which the layers agree, which is where the source stands; NaN when `scale` is 1."""
        return self.column_offset / (1 - self.scale) if self.scale != 1 else float("nan")


def fit_registration(
    low: NDArray[np.uint16], high: NDArray[np.uint16], particles: Sequence[Particle], air_low: float, air_high: float
) -> Registration:
    """Find the registration of a scan's layers (H, W) from the particles on `low`, without any target.

    Inside a particle low attenuation is nearly a quadratic in high attenuation, the more so the better the
    layers overlie: least squares over the three parameters, with each particle's quadratic solved for in
    between, then once more with a Cauchy loss. One curve for all rocks, or squares alone, let a few odd rocks
    or grains move the fit (experiments/segmentation: worst error 0.15 pixels so, 0.05 this way). Judge the fit
    by its `residual`. Layers and their air levels are in counts.

    Raises:
        InputError: no particles, or all of them on so narrow a stretch of the belt that the scale is unknown.
        LayersDifferError: the layers do not show the same particles, or low attenuates less than high.
    """
    belt = belt_columns(low)
    used = particles[:: 1 + len(particles) // _MAX_PARTICLES]
    centres = [particle.x + particle.w / 2 for particle in used]
    if not used or max(centres) - min(centres) < (belt.stop - belt.start) / 10:
        few = "too few" if used else "no"
        raise InputError(f"{few} particles to register the layers by; give more scans of this sorter together")
    stride = 1 + sum(int(particle.mask.sum()) for particle in used) // _MAX_PIXELS
    views = [_view(((low, air_low), (high, air_high)), belt, particle, stride) for particle in used]
    ends = np.array([min(centres), max(centres)])

    def seen_high(shifts: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        scale, offset = _line(ends, shifts)
        places = [  # columns count from the view's left end, scale from the scan's
            (rows + shifts[2], scale * columns + offset + (scale - 1) * left) for _, _, left, rows, columns in views
        ]
        return [
            ndimage.map_coordinates(view[1], place, order=3, prefilter=False, mode="nearest")
            for view, place in zip(views, places, strict=True)
        ]

    def residuals(shifts: NDArray[np.float64]) -> NDArray[np.float64]:
        seen = zip(views, seen_high(shifts), strict=True)
        return np.concatenate([_about_quadratic(view[0], values) for view, values in seen])

    # shifts in pixels at two columns and along the belt: parameters of one size, unlike scale and offset
    start = np.zeros(3)
    # some ten steps settle it; layers of two scans would be searched for hundreds
    found = optimize.least_squares(residuals, start, diff_step=1e-4, max_nfev=40)
    found = optimize.least_squares(residuals, found.x, diff_step=1e-4, max_nfev=40, loss="cauchy", f_scale=_USUAL)
    left_over, target = _rms(residuals(found.x)), np.concatenate([low_values for low_values, *_ in views])
    # a shift beyond the margin has compared with a repeated rim
    if left_over > _UNEXPLAINED * _rms(target) or np.abs(found.x).max() > _MARGIN:
        raise LayersDifferError(DIFFERENT)
    if target.sum() <= LEAST_RATIO * np.concatenate(seen_high(found.x)).sum():
        raise LayersDifferError(EXCHANGED)
    scale, offset = _line(ends, found.x)
    return Registration(scale, offset, float(found.x[2]), left_over, unregistered=_rms(residuals(start)))


def _view(
    layers: Sequence[tuple[NDArray[np.uint16], float]], belt: slice, particle: Particle, stride: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], int, NDArray[np.int64], NDArray[np.int64]]:
    """Return low attenuation at every `stride`-th pixel, the high one's spline, its left end, rows, columns."""
    top, left = max(particle.y - _MARGIN, 0), max(particle.x - _MARGIN, belt.start)
    bottom, right = particle.y + particle.h + _MARGIN, min(particle.x + particle.w + _MARGIN, belt.stop)
    smooth_low, smooth_high = (  # (h, w) each, around the particle
        ndimage.gaussian_filter(attenuation(layer[top:bottom, left:right], air).astype(np.float64), _SMOOTHING)
        for layer, air in layers
    )
    rows, columns = (axis[::stride] for axis in np.nonzero(particle.mask))  # (n,) each
    rows, columns = rows + particle.y - top, columns + particle.x - left
    spline = ndimage.spline_filter(smooth_high, order=3, mode="nearest")  # made once, read at every step of the fit
    return smooth_low[rows, columns], spline, left, rows, columns


def _about_quadratic(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of low attenuation after the best quadratic in high attenuation, both (N,)."""
    # no constant: without matter neither layer attenuates
    powers = np.stack([high, high**2], axis=1)  # (N, 2)
    square = powers.T @ powers + 1e-9 * np.eye(2)  # where the high layer shows nothing there is no curve
    return np.asarray(low - powers @ np.linalg.solve(square, powers.T @ low))


def _line(columns: NDArray[np.float64], shifts: NDArray[np.float64]) -> tuple[float, float]:
    """Return scale and offset of the line through the shifts (first two) at two columns."""
    slope = (shifts[1] - shifts[0]) / (columns[1] - columns[0])
    return 1 + float(slope), float(shifts[0] - slope * columns[0])


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))
