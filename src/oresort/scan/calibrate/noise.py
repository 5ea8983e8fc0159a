"""Noise of bare belt, column by column, as the masks see it."""

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.order import ordered, percentile

_WITHIN = 5.0  # standard deviations of most of a column; what lies beyond is no noise but a line of another level


def bare_noise(
    smooth: NDArray[np.float32], bare: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the standard deviation (W,) of smoothed bare belt, and of how many pixels it is (W,).

    `smooth` (H, W) is about 1, `bare` (H, W) is 1 where nothing lies on the belt. A column's own gain is no noise,
    and a few lines whose level is wrong for a part of the belt, as those of a splice askew, do not count.
    """
    few = smooth[:: max(1, len(smooth) // 150)]
    middle = percentile(ordered(few, axis=0), 50)  # (W,)
    off = smooth - middle  # (H, W)
    most = np.float32(1.4826) * percentile(ordered(np.abs(few - middle), axis=0), 50)  # (W,), of a normal distribution
    used = bare * (np.abs(off) <= np.float32(_WITHIN) * most)
    count = used.sum(axis=0)  # (W,)
    mean, square = (
        np.einsum(ij, *values) / np.maximum(count, 1)
        for ij, values in (
            ("ij,ij->j", (off, used)),
            ("ij,ij,ij->j", (off, off, used)),
        )
    )
    return np.sqrt(np.maximum(square - mean**2, 0)).astype(np.float32), count
