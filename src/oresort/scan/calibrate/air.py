"""The air level of a detector layer and the columns that see the belt, both found from the scan itself."""

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.xray.transmission import FULL_SCALE

DARK = 1_000  # air level in counts below which the tube must have been off: 1/50 of the usual flat-field target
BRIGHT = 1.25
"""Transmission, smoothed, that noise, gain and drift do not reach: on a scan whose dense matter is dark nothing has."""
STEADY = (0.85, 1.15)
"""Of its usual level, within which air drifts as tubes and detectors do."""
_WALL = 0.25  # of the usual level, below which the columns at both sides lie behind walls
_BIN = 64  # counts per histogram bin; air noise of 2-5 % spreads its peak over dozens of them
_STILL = 0.9  # share of lines at one and the same count from which a column shows no belt: the rest may be lost lines
_LINES = 200  # looked at for that
_INVERTED = "is dense matter bright? Then invert the counts"


def strayed(least: float, most: float, usual: str) -> str:
    """Return in words that air lies so far from what is `usual`, its level being 1; empty where it is steady."""
    if STEADY[0] <= least and most <= STEADY[1]:
        return ""
    return (
        f"lies between {least:.0%} and {most:.0%} of {usual}; lines are corrected for it, but see to tube and detector"
    )


def belt_columns(counts: NDArray[np.uint16]) -> slice:
    """Return which columns of a scan (H, W) see the belt: not those at its sides that are forced to one count, if any.

    An empty range means that no column changes from line to line.
    """
    few = counts[:: max(1, len(counts) // _LINES)]  # (n, W)
    if not few.size:
        return slice(0, 0)
    usual = np.sort(few, axis=0)[len(few) // 2]  # (W,), of each column
    still = (few == usual).mean(axis=0) >= _STILL
    if still.all():
        return slice(0, 0)
    start = int(np.argmin(still & (usual == usual[0])))
    stop = len(usual) - int(np.argmin((still & (usual == usual[-1]))[::-1]))
    inside = usual[start:stop]
    if (few[:, start:stop] == inside).mean() > 0.5:
        # air without noise is as still as the sides, so only their count can tell them apart
        typical = float(np.median(inside))
        start, stop = (
            end if _is_mark(float(count), typical) else whole
            for end, count, whole in ((start, usual[0], 0), (stop, usual[-1], len(usual)))
        )
    return slice(start, stop)


def find_belt(low: NDArray[np.uint16], high: NDArray[np.uint16]) -> slice:
    """Return the columns that are to see the belt in both layers (H, W).

    Outside are columns at both sides that are forced to one count, as the paper's sorter writes them at full scale,
    or, where none are forced, those at both sides that stay below a quarter of the usual level, as behind walls. What
    is so at one side only, or in one layer only, is a fault of the detector: it is belt, where particles may lie.
    """
    width = low.shape[1]
    forced = [belt_columns(layer) for layer in (low, high)]
    for belt in forced:
        if belt.start == belt.stop:
            return belt
    sides = [belt for belt in forced if belt.start and belt.stop < width]
    if sides:
        if len(sides) < len(forced):
            return slice(0, width)
        return slice(min(belt.start for belt in sides), max(belt.stop for belt in sides))
    walled = [_between_walls(layer) for layer in (low, high)]
    return slice(max(belt.start for belt in walled), min(belt.stop for belt in walled))


def air_level(counts: NDArray[np.uint16], name: str) -> float:
    """Return the mean of air in counts, at least `DARK`, of one layer of a scan (H, W) that is mostly bare belt.

    Error messages call the scan `name`.

    Raises:
        InputError: no pixels, constant, saturated or dark scan, or no narrow peak that is the brightest.
    """
    check_image(counts, name)
    belt = counts[:, belt_columns(counts)]
    check_saturated(belt, name)
    return level_of(belt, name)


def check_image(counts: NDArray[np.uint16], name: str) -> None:
    """Raise InputError unless a scan (H, W) shows anything at all."""
    if counts.size and counts.min() == FULL_SCALE:
        raise InputError(f"{name}: saturated everywhere; lower the exposure, or give the other file")
    if not counts.size or counts.min() == counts.max():
        raise InputError(f"{name}: no image in it (empty or constant); scan again")
    if (counts == counts[0]).all():
        raise InputError(f"{name}: every line is the same, so the detector stands still; scan again")


def level_of(belt: NDArray[np.uint16], name: str) -> float:
    """Return the mean of air in counts, at least `DARK`, of pixels of the belt (H, W), most of them bare.

    The peak of the histogram is refined as a mean clipped at three standard deviations, so particles on a third of
    the belt bias it by less than 0.1 %. Error messages call the scan `name`.

    Raises:
        InputError: no pixels, constant or dark belt, or no narrow peak that is the brightest.
    """
    if not belt.size or belt.min() == belt.max():
        raise InputError(f"{name}: no image in it (empty or constant); scan again")
    histogram = np.bincount(belt.ravel() >> 6, minlength=(FULL_SCALE + 1) // _BIN).astype(np.float64)
    dark = DARK // _BIN
    if histogram[:dark].sum() > 0.5 * belt.size:
        usual = float(np.median(belt))
        raise InputError(f"{name}: dark, its usual count is {usual:.0f}; scan again with the tube on, or, {_INVERTED}")
    histogram[:dark] = 0  # what is dead or opaque is no air, however common
    level, spread = _clipped_mean(histogram)
    # particles only darken: much that is brighter than the peak, or no narrow peak, shows that it is not air
    bright = histogram[int((level + 6 * spread) / _BIN) + 1 :].sum() / belt.size
    if bright > 0.02:
        raise InputError(
            f"{name}: {bright:.0%} of the belt is brighter than its commonest count, {level:.0f}, which is not air "
            f"then; give a whole scan, mostly bare belt, or, {_INVERTED}"
        )
    if spread > 0.2 * level:
        raise InputError(
            f"{name}: no air level, the commonest count {level:.0f} spreads by {spread:.0f}; "
            "give a whole scan, mostly bare belt"
        )
    return level


def check_saturated(belt: NDArray[np.uint16], name: str) -> None:
    """Raise InputError where pixels of the belt (H, W), as they came, are at full scale: air is not known then."""
    top = int(belt.max(initial=0))
    full = top > 0 and top & (top + 1) == 0  # all bits set: 4,095, 16,383, 65,535
    saturated = float((belt == top).mean()) if full else 0.0
    if saturated > 0.01:
        raise InputError(f"{name}: {saturated:.0%} of the belt is saturated at {top}; lower the exposure, scan again")


def check_inverted(smooth: NDArray[np.float32], still: NDArray[np.bool_], first: int, name: str) -> None:
    """Raise InputError where anything on the belt is much brighter than air, as all matter on an inverted scan.

    Args:
        smooth: smoothed transmission (H, W), 1 is bare belt.
        still: pixels (H, W) that repeat the line before: stuck or saturated, which is another fault.
        first: the belt's first column.
        name: how the message calls the scan.
    """
    bright = ((smooth > BRIGHT) & ~still).view(np.uint8)
    # five lines and columns of it: a lost packet may be as bright, but is a line or two high
    rows, columns = np.nonzero(cv2.erode(bright, np.ones((5, 5), np.uint8)))
    if len(rows):
        y, x = rows[0], columns[0]
        raise InputError(
            f"{name}: {smooth[y, x] - 1:.0%} brighter than bare belt about column {first + x}; {_INVERTED}"
        )


def _is_mark(count: float, typical: float) -> bool:
    """Tell whether a constant count at the sides is a mark of what lies outside, not air of an image without noise."""
    return not 0.7 * typical <= count <= 1.21 * typical or (count == FULL_SCALE and typical < FULL_SCALE)


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


def _between_walls(layer: NDArray[np.uint16]) -> slice:
    # the brightest twentieth is belt, even of a column under many particles
    bright = np.percentile(layer[:: max(1, len(layer) // 200)], 95, axis=0)
    inside = np.flatnonzero(bright > _WALL * np.percentile(bright, 75))
    start, stop = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, len(bright))
    return slice(start, stop) if start and stop < len(bright) else slice(0, len(bright))
