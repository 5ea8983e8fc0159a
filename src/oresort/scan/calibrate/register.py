"""Bring the high-energy layer onto the low-energy layer's pixels.

The rear detector layer is farther from the source, so a fan beam magnifies it a little: a point at low (x, y)
is at high (`scale` x + `column_offset`, y + `row_offset`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.scan.calibrate.quadratic import about_quadratic

MARGIN = 24  # pixels seen around a particle's box: the layers lie up to 14 columns apart
_MAX_PARTICLES = 60  # evenly along the belt: some tens fix the layers to 0.01 pixel, a hundred take seconds
_MAX_PIXELS = 40_000  # compared, evenly over the particles: more would cost time and tell no more
# Gaussian applied to both layers before comparison, pixels. Without it the interpolation's own smoothing, strongest at
# half a pixel, would lower the residual there and draw the fit to it.
_SMOOTHING = 1.0
_USUAL = 0.04  # residual of registered layers, of noise and texture; what is left over far beyond it hardly counts
_UNEXPLAINED = 0.4  # residual over rms of low attenuation from which layers show different things; 0.04 on scan 38
LEAST_RATIO = 1.03  # low energies are attenuated more by whatever matter, 1.4-1.8 times by rock
_MOST_ROWS, _MOST_RESIDUAL = 1.5, 0.06  # beyond these a scan can be used, but something is wrong with it
_MAGNIFIED = 0.004  # known sorters magnify by 0.005-0.011 across the belt, and none along it

DIFFERENT = "the layers do not show the same particles; give two layers of one scan"
EXCHANGED = "low attenuates no more than high; exchange low and high, or give two layers"
TURNED = "the high layer is magnified along the belt, not across it; turn both layers by 90 degrees"


class LayersDifferError(InputError):
    """The layers are not of one scan, or exchanged, or turned: no crops of any kind can be right."""


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


class Seen(NamedTuple):
    """One particle as both layers show it, up to `MARGIN` pixels around its box on the low layer."""

    low: NDArray[np.float32]  # attenuation (h, w)
    high: NDArray[np.float32]  # of the same lines and columns
    mask: NDArray[np.bool_]  # (h, w), the particle on the low layer
    top: int  # the scan's line and column of the first pixel
    left: int
    single: bool = True  # it looks like one particle: rocks at two heights, seen as one, misguide the fit


class Fit(NamedTuple):
    """How the layers overlie, as far as the particles tell."""

    registration: Registration
    enough: bool  # False: the particles lie on too narrow a stretch of the belt, and `scale` 1 is only assumed

    def notes(self) -> list[str]:
        """Return what looks wrong with it and what mends that, one line each."""
        fit, found = self.registration, []
        if abs(fit.row_offset) > _MOST_ROWS:
            found.append(
                f"the high layer lags by {fit.row_offset:.1f} lines, 0.3 is usual: registered crops bear that, "
                "released ones do not; set the rear detector's delay"
            )
        if fit.residual > _MOST_RESIDUAL:
            found.append(
                f"the layers differ by {fit.residual:.3f} where they overlie best, 0.03 is usual: lines of one layer "
                "may be lost or doubled, or it is noisy; look at the overlay, scan again"
            )
        return found


def fit_registration(seen: Sequence[Seen], width: int) -> Fit:
    """Find the registration of a scan's layers from particles on a belt of `width` columns, without any target.

    Inside a particle low attenuation is nearly a quadratic in high attenuation, the more so the better the
    layers overlie: least squares over the three parameters, with each particle's quadratic solved for in
    between, then once more with a Cauchy loss. One curve for all rocks, or squares alone, let a few odd rocks
    or grains move the fit (experiments/segmentation: worst error 0.15 pixels so, 0.07 this way). Judge the fit
    by its `residual`. Where the particles do not reach over a tenth of the belt, the layers are only shifted; that
    they show the same is tested all the same.

    Raises:
        InputError: no particles.
        LayersDifferError: the layers do not show the same particles, low attenuates less than high, or the belt runs
            along the lines.
    """
    single = [particle for particle in seen if particle.single]
    enough = _span(single) >= width / 10
    used = (single if enough else list(seen))[:: 1 + len(seen) // _MAX_PARTICLES]
    if not used:
        raise InputError("no particles")
    stride = 1 + sum(int(particle.mask.sum()) for particle in used) // _MAX_PIXELS
    views = [_View(particle, stride) for particle in used]
    ends = np.array([min(view.x for view in views), max(view.x for view in views)])

    # shifts in pixels at two columns and along the belt: parameters of one size, unlike scale and offset
    def across(shifts: NDArray[np.float64]) -> tuple[float, float, float, float]:
        return (*(_line(ends, shifts[:2]) if enough else (1.0, float(shifts[0]))), 1.0, float(shifts[-1]))

    found, left_over = _least(views, across, 3 if enough else 2)
    scale, offset, _, row = across(found)
    target = np.concatenate([view.low for view in views])
    # a shift beyond the margin has compared with a repeated rim
    if left_over > _UNEXPLAINED * _rms(target) or np.abs(found).max() > MARGIN:
        raise LayersDifferError(DIFFERENT)
    if target.sum() <= LEAST_RATIO * np.concatenate([view.high(scale, offset, 1.0, row) for view in views]).sum():
        raise LayersDifferError(EXCHANGED)
    if enough and abs(scale - 1) < _MAGNIFIED and _is_turned(views, left_over):
        raise LayersDifferError(TURNED)
    before = _rms(_residuals(views, 1.0, 0.0, 1.0, 0.0))
    return Fit(Registration(scale, offset, row, left_over, unregistered=before), enough)


_Placed = Callable[[NDArray[np.float64]], tuple[float, float, float, float]]
"""From shifts to scale and offset of columns, then of rows."""


class _View:
    """Low attenuation at every `stride`-th pixel of a particle, and the spline through the high layer around it."""

    def __init__(self, particle: Seen, stride: int) -> None:
        low, high = (
            scipy.ndimage.gaussian_filter(layer.astype(np.float64), _SMOOTHING)
            for layer in (particle.low, particle.high)
        )
        rows, columns = (axis[::stride] for axis in np.nonzero(particle.mask))  # (n,) each
        self.low = low[rows, columns]
        self._rows, self._columns, self._top, self._left = rows, columns, particle.top, particle.left
        self._spline = scipy.ndimage.spline_filter(
            high, order=3, mode="nearest"
        )  # made once, read at every step of the fit
        self.x, self.y = particle.left + float(columns.mean()), particle.top + float(rows.mean())

    def high(self, scale: float, offset: float, along: float, row: float) -> NDArray[np.float64]:
        """Return high attenuation (n,) at `scale` x + `offset`, `along` y + `row` of the scan."""
        # places count from the view's first pixel, the scales from the scan's
        place = (
            along * self._rows + row + (along - 1) * self._top,
            scale * self._columns + offset + (scale - 1) * self._left,
        )
        return np.asarray(
            scipy.ndimage.map_coordinates(self._spline, place, order=3, prefilter=False, mode="nearest"), np.float64
        )


def _least(views: Sequence[_View], placed: _Placed, count: int) -> tuple[NDArray[np.float64], float]:
    """Return the `count` shifts that leave least of low attenuation unexplained, and the rms of that."""

    def residuals(shifts: NDArray[np.float64]) -> NDArray[np.float64]:
        return _residuals(views, *placed(shifts))

    # some ten steps settle it; layers of two scans would be searched for hundreds
    found = scipy.optimize.least_squares(residuals, np.zeros(count), diff_step=1e-4, max_nfev=40)
    found = scipy.optimize.least_squares(residuals, found.x, diff_step=1e-4, max_nfev=40, loss="cauchy", f_scale=_USUAL)
    return found.x, _rms(residuals(found.x))


def _residuals(views: Sequence[_View], scale: float, offset: float, along: float, row: float) -> NDArray[np.float64]:
    return np.concatenate([about_quadratic(view.low, view.high(scale, offset, along, row)) for view in views])


def _is_turned(views: Sequence[_View], left_over: float) -> bool:
    """Tell whether a magnification along the belt explains the layers better than one across it."""
    ends = np.array([min(view.y for view in views), max(view.y for view in views)])
    if ends[1] - ends[0] < 4 * MARGIN:
        return False

    def along(shifts: NDArray[np.float64]) -> tuple[float, float, float, float]:
        return (1.0, float(shifts[2]), *_line(ends, shifts[:2]))

    found, rest = _least(views, along, 3)
    return _MAGNIFIED < abs(along(found)[2] - 1) < 0.03 and rest < 0.9 * left_over


def _span(seen: Sequence[Seen]) -> float:
    centres = [particle.left + particle.mask.shape[1] / 2 for particle in seen]
    return max(centres, default=0.0) - min(centres, default=0.0)


def _line(columns: NDArray[np.float64], shifts: NDArray[np.float64]) -> tuple[float, float]:
    """Return scale and offset of the line through the shifts (two) at two columns."""
    slope = (shifts[1] - shifts[0]) / (columns[1] - columns[0])
    return 1 + float(slope), float(shifts[0] - slope * columns[0])


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))
