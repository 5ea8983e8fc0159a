"""What the empty belt of a scan says about its noise."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oresort.belt.sorter import BELT

BINS = 20
_NEAR_AXIS = slice(700 - BELT[0], 1000 - BELT[0])  # columns of the belt: the reference of the lateral profile
_CLEAR = 25  # pixels kept away from particles

Pair = tuple[NDArray[np.uint16], NDArray[np.uint16]]


class Air(NamedTuple):
    """One layer's empty belt: level in counts, row and column means, and what is left, all relative to the level.

    `residual` (H, W) is NaN on particles; `column_error` is the statistical error in each column's mean.
    """

    level: float
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    column_error: float
    residual: NDArray[np.float64]


def empty_belt(low: NDArray[np.uint16], high: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Return where (H, belt) a scan pair shows neither a particle nor what surrounds one."""
    there = np.zeros((len(low), BELT[1] - BELT[0]), dtype=bool)
    for layer in (low, high):
        counts = layer[:, BELT[0] : BELT[1]].astype(np.float32)
        there |= ndimage.gaussian_filter(counts, 1.0) < 0.93 * np.median(counts)
    return np.asarray(~ndimage.binary_dilation(there, iterations=_CLEAR))


def split_air(counts: NDArray[np.uint16], empty: NDArray[np.bool_]) -> Air:
    """Split one layer (H, W) into level, row common mode, column residual and pixel noise."""
    relative = np.where(empty, counts[:, BELT[0] : BELT[1]].astype(np.float64), np.nan)
    level = float(np.nanmean(relative))
    relative = relative / level - 1.0
    rows = np.nanmean(relative, axis=1)
    relative -= rows[:, None]
    columns = np.nanmean(relative, axis=0)
    relative -= columns
    error = np.sqrt(np.nanmean(np.nanvar(relative, axis=0) / np.isfinite(relative).sum(axis=0)))
    return Air(level, rows, columns, float(error), relative)


def _correlation(z: NDArray[np.float64], dy: int, dx: int) -> float:
    here, there = z[: z.shape[0] - dy, : z.shape[1] - dx], z[dy:, dx:]
    return float(np.nanmean(here * there) / np.nanmean(z * z))


def layer_figures(air: Air) -> dict[str, float]:
    """Return the named figures of one layer's air; deviations in % of the level."""
    # over its local deviation, so that the lateral profile does not look like heavy tails
    z = air.residual / ndimage.uniform_filter1d(np.nanstd(air.residual, axis=0), 31, mode="nearest")
    own = max(float(np.var(air.columns)) - air.column_error**2, 0.0)
    return {
        "air level (counts)": air.level,
        "pixel noise near axis (%)": 100.0 * float(np.nanstd(air.residual[:, _NEAR_AXIS])),
        "row common mode (%)": 100.0 * float(np.std(air.rows)),
        **{f"row correlation, lag {k}": float(np.corrcoef(air.rows[:-k], air.rows[k:])[0, 1]) for k in (1, 4)},
        "column mean, spread (%)": 100.0 * float(np.std(air.columns)),
        "column residual, without statistics (%)": 100.0 * float(np.sqrt(own)),
        **{f"pixel correlation across, {k}": _correlation(z, 0, k) for k in (1, 2, 3)},
        "pixel correlation along, 1": _correlation(z, 1, 0),
        "skewness": float(np.nanmean(z**3)),
        "kurtosis": float(np.nanmean(z**4) / np.nanmean(z**2) ** 2),
    }


def between_layers(low: Air, high: Air) -> dict[str, float]:
    """Return the named correlations between the two layers' air."""
    product = np.nanmean(low.residual * high.residual)
    spread = np.sqrt(np.nanmean(low.residual**2) * np.nanmean(high.residual**2))
    return {
        "row common mode, low with high": float(np.corrcoef(low.rows, high.rows)[0, 1]),
        "pixel noise, low with high": float(product / spread),
    }


def lateral_profile(air: Air) -> NDArray[np.float64]:
    """Return the noise variance (BINS,) over equal parts of the belt, relative to columns 700-1000."""
    variance = np.nanvar(air.residual, axis=0)
    return np.array([part.mean() for part in np.array_split(variance, BINS)]) / float(variance[_NEAR_AXIS].mean())
