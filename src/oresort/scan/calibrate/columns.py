"""Air level, noise and dead columns of one detector layer, column by column, from a stretch of a scan."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oresort.errors import InputError
from oresort.scan.calibrate.air import air_level, belt_columns
from oresort.scan.segment.mask import KERNEL, smoothed
from oresort.xray.transmission import FULL_SCALE

_REACH = 31  # columns of the running median that tells a column's own fault from its neighbours' level
_FAULT = 0.2  # relative: a column farther off its neighbours is dead rather than of another gain
_FLICKER = 4.0  # noise over its neighbours' above which a column is dead
_STUCK = 0.1  # noise over its neighbours' below which a column is dead
_FEWEST = 30  # lines of bare belt that make a column's mean, and of a scan


@dataclass(frozen=True)
class Columns:
    """What one detector layer reads per column; all arrays (W,), sides outside the belt hold air 1, noise 0."""

    level: float  # mean air over the belt, in counts; corrected crops are written at the low layer's
    air: NDArray[np.float32]  # counts of bare belt
    dark: NDArray[np.float32]  # counts without X-rays; 0 if unknown
    noise: NDArray[np.float32]  # standard deviation of bare belt's smoothed transmission
    dead: NDArray[np.bool_]  # to be replaced from their neighbours


def find_belt(low: NDArray[np.uint16], high: NDArray[np.uint16]) -> slice:
    """Return the columns that see the belt in both layers (H, W).

    Outside are, at either side only: columns at full scale, as the paper's sorter writes them, and columns
    that stay below a quarter of the usual level, as behind a side wall.
    """
    start, stop = 0, low.shape[1]
    for layer in (low, high):
        columns = belt_columns(layer)
        if columns.start == columns.stop:
            return columns
        # the brightest twentieth is belt, even of a column under many particles
        bright = np.percentile(layer[:: max(1, len(layer) // 200), columns], 95, axis=0)
        inside = columns.start + np.flatnonzero(bright > 0.25 * np.median(bright))
        if inside.size:
            start, stop = max(start, int(inside[0])), min(stop, int(inside[-1]) + 1)
    return slice(start, max(start, stop))


def measure_columns(
    counts: NDArray[np.uint16],
    belt: slice,
    name: str,
    air: NDArray[np.uint16] | None = None,
    dark: NDArray[np.uint16] | None = None,
) -> Columns:
    """Measure one layer from lines (H, W) of a scan, or its profile from images of air and dark where given.

    From the scan alone, a column's air is the mean of what no particle covers, shrunk towards its neighbours'
    running median (James-Stein): 600 lines know a column to 0.1-0.2 % only, which is more than the columns of a
    flat-fielded detector differ.

    Args:
        counts: some 600 lines or more, mostly bare belt.
        belt: columns that see the belt.
        name: how error messages call the scan, usually its path.
        air: bare belt (any height, W); it may have been taken at another tube current.
        dark: image without X-rays (any height, W).

    Raises:
        InputError: as `air_level`; an air or dark image of another width, or not brighter than dark.
    """
    width = counts.shape[1]
    if 0 < len(counts) < _FEWEST:
        raise InputError(f"{name}: {len(counts)} lines, too few to know air by; give {_FEWEST} or more")
    offset = np.zeros(width, np.float32) if dark is None else _mean(dark, width, f"{name}: dark image")
    profile = np.ones(width, np.float32)
    if air is not None:
        profile = _mean(air, width, f"{name}: air image") - offset
        usual = float(np.median(profile[belt]))
        if usual < 1:
            raise InputError(f"{name}: the air image is not brighter than the dark one; take both again")
        profile /= usual
    net = np.maximum(counts[:, belt].astype(np.float32) - offset[belt], 0)  # (H, belt)
    shape = profile[belt]  # (belt,), as all of one value a column from here on
    bad_shape = shape < 1 - 4 * _FAULT  # no light at all: dividing would make noise of it
    shape = np.where(bad_shape, np.float32(1), shape)
    # over the profile: a detector that is not flat-fielded has no narrow peak of air
    level = air_level(np.clip(np.rint(net / shape), 0, FULL_SCALE).astype(np.uint16), name)
    relative = net / (shape * level)  # (H, belt), 1 is bare belt; made ever flatter in place
    rough, noise = _rough(relative)  # (belt,) each
    near, near_noise = _running(rough), _running(noise)
    dead = (np.abs(rough / near - 1) > _FAULT) | (noise < _STUCK * near_noise) | bad_shape
    dead |= noise > _FLICKER * near_noise
    rough = np.where(dead, near, rough)
    # flat to 1 % first: what is bare is told by one threshold for all columns
    relative /= rough
    bare = _bare(relative)  # (H, belt)
    if air is None:
        gain = _own_air(relative, rough, bare, noise, dead)
        relative *= rough / gain
    else:
        # the pair knows the columns better than a scan with particles on it, but not today's level
        relative *= rough
        today = float(np.einsum("ij,ij->", relative, bare) / max(float(bare.sum()), 1.0))
        gain = np.full_like(rough, today)
        relative /= np.float32(today)
    spread = smoothed(relative) - 1  # smoothed, as the masks see it
    deviation = np.sqrt(np.einsum("ij,ij,ij->j", spread, spread, bare) / np.maximum(bare.sum(axis=0), 1))
    # over neighbours, so that neither chance nor a dead column moves the masks' threshold
    noise = ndimage.uniform_filter1d(_running(deviation), 15, mode="nearest")
    sides = belt.start, width - belt.stop
    whole = np.pad(shape * gain * level, sides, constant_values=1) + offset  # (W,) from here on
    return Columns(level * float(gain.mean()), whole, offset, np.pad(noise, sides), np.pad(dead, sides))


def _mean(image: NDArray[np.uint16], width: int, name: str) -> NDArray[np.float32]:
    if image.shape[1] != width:
        raise InputError(f"{name} has {image.shape[1]} columns but the scan {width}; take it on the same sorter")
    return np.asarray(image.mean(axis=0, dtype=np.float64), np.float32)


def _rough(relative: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return air (W,) to 1 % or so, and pixel noise (W,), whatever lies on up to half of each column."""
    few = relative[:: max(1, len(relative) // 600)]
    # of differences between lines, to which rock and gain add little; the median keeps a particle's rims out
    noise = 1.4826 / np.sqrt(2) * np.median(np.abs(np.diff(few, axis=0)), axis=0)
    # the brightest twentieth is bare belt; of noise as wide as this its quantile lies 1.5 deviations up
    return (np.percentile(few, 95, axis=0) - 1.5 * _running(noise)).astype(np.float32), noise.astype(np.float32)


def _bare(relative: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 where no particle lies within four pixels, and 0 elsewhere, (H, W) float32."""
    covered = (smoothed(relative) < 0.93).astype(np.uint8)
    return np.asarray(cv2.dilate(covered, np.ones(KERNEL, np.uint8)) == 0, np.float32)


def _own_air(
    relative: NDArray[np.float32],
    rough: NDArray[np.float32],
    bare: NDArray[np.float32],
    noise: NDArray[np.float32],
    dead: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Return columns' means over bare belt (W,), shrunk as counting noise demands; `relative` is over `rough`."""
    count = bare.sum(axis=0)  # (belt,)
    mean = rough * np.einsum("ij,ij->j", relative, bare) / np.maximum(count, 1)
    known = (count >= _FEWEST) & ~dead
    if not known.any():
        return rough
    columns = np.arange(len(mean))
    mean = np.interp(columns, columns[known], mean[known])  # a hole would mislead the running median beside it
    near = _running(mean)
    own = mean / near - 1
    error = noise / np.sqrt(np.maximum(count, 1))  # (belt,), of the mean
    # the share of the differences' variance that counting does not explain is the columns' own
    quiet = known & (np.abs(own) < 5 * error)
    explained, seen = (float(np.mean(part[quiet] ** 2)) if quiet.any() else 0.0 for part in (error, own))
    share = max(0.0, 1 - explained / seen) if seen > 0 else 0.0
    # a column far off is so by itself, not by chance: it keeps all of its difference
    return np.asarray(near * (1 + np.where(quiet, share, np.where(known, 1.0, 0.0)) * own), np.float32)


def _running(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(ndimage.median_filter(values, _REACH, mode="nearest"), np.float32)
