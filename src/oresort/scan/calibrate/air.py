"""The air level of a detector layer and the columns that see the belt, both found from the scan itself."""

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.xray.transmission import FULL_SCALE

DARK = 1_000  # air level in counts below which the tube must have been off: 1/50 of the usual flat-field target
_BIN = 64  # counts per histogram bin; air noise of 2-5 % spreads its peak over dozens of them


def belt_columns(counts: NDArray[np.uint16]) -> slice:
    """Return which columns of a scan (H, W) see the belt: not those at its sides at `FULL_SCALE` in all rows, if any.

    An empty range means that all of the scan is saturated.
    """
    inside = np.flatnonzero((counts != FULL_SCALE).any(axis=0))
    return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)


def air_level(counts: NDArray[np.uint16], name: str) -> float:
    """Return the mean of air in counts, at least `DARK`, of one layer of a scan (H, W) that is mostly bare belt.

    The peak of the belt's histogram is refined as a mean clipped at three standard deviations, so particles
    on a third of the belt bias it by less than 0.1 %. Error messages call the scan `name`.

    Raises:
        InputError: no pixels, constant, saturated or dark scan, or no narrow peak that is the brightest.
    """
    belt = counts[:, belt_columns(counts)]
    if counts.size and not belt.size:
        raise InputError(f"{name}: saturated everywhere; lower the exposure, or give the other file")
    if not belt.size or belt.min() == belt.max():
        raise InputError(f"{name}: no image in it (empty or constant); scan again")
    counts_per_bin = np.bincount(belt.ravel() >> 6, minlength=(FULL_SCALE + 1) // _BIN).astype(np.float64)
    level, spread = _clipped_mean(counts_per_bin)
    if level < DARK:
        raise InputError(f"{name}: dark, its commonest count is {level:.0f}; scan again with the tube on")
    if counts_per_bin[-1] > 0.01 * belt.size:
        share = counts_per_bin[-1] / belt.size
        raise InputError(f"{name}: {share:.0%} of the belt is saturated; lower the exposure and scan again")
    # particles only darken: much that is brighter than the peak, or no narrow peak, shows that it is not air
    bright = counts_per_bin[int((level + 6 * spread) / _BIN) + 1 :].sum() / belt.size
    if bright > 0.02 or spread > 0.2 * level:
        raise InputError(
            f"{name}: no air level, the commonest count {level:.0f} spreads by {spread:.0f} and {bright:.0%} "
            "of the belt is brighter; give a whole scan, mostly bare belt"
        )
    return level


def _clipped_mean(histogram: NDArray[np.float64]) -> tuple[float, float]:
    centres = (np.arange(histogram.size) + 0.5) * _BIN - 0.5
    smooth = np.convolve(histogram, np.ones(9) / 9, mode="same")
    level = float(centres[smooth.argmax()])
    spread = max(0.05 * level, 9 * _BIN)
    for _ in range(20):
        near = np.abs(centres - level) <= 3 * spread
        weight = histogram[near] / histogram[near].sum()
        level = float(weight @ centres[near])
        spread = max(float(np.sqrt(weight @ (centres[near] - level) ** 2)), _BIN)
    return level, spread
