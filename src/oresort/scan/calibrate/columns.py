"""Air level, noise and faulty columns of one detector layer, column by column, from a stretch of a scan."""

from dataclasses import dataclass

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.scan.calibrate.air import check_image, check_inverted, check_saturated, level_of
from oresort.scan.calibrate.faults import DARK, LIVE, column_faults, filled, named, running
from oresort.scan.calibrate.lines import whole_lines
from oresort.scan.calibrate.noise import bare_noise
from oresort.scan.calibrate.order import ordered, percentile
from oresort.scan.segment.mask import KERNEL, smoothed
from oresort.xray.transmission import FULL_SCALE

_FEWEST = 30  # lines of bare belt that make a column's mean, and of a scan
_NO_LIGHT = 0.2  # of an air image over its median, below which a column sees nothing


@dataclass(frozen=True)
class Columns:
    """What one detector layer reads per column; all arrays (W,), sides outside the belt hold air 1, noise 0."""

    level: float  # mean air over the belt's live columns, in counts; corrected crops are written at the low layer's
    air: NDArray[np.float32]  # counts of bare belt; of faulty columns what the live ones beside them read
    dark: NDArray[np.float32]  # counts without X-rays; 0 if unknown
    noise: NDArray[np.float32]  # standard deviation of bare belt's smoothed transmission
    fault: NDArray[np.uint8]  # what is wrong with a column, as index into `faults.KINDS`; 0 is live

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Columns (W,) that show nothing true, of whatever kind."""
        return np.asarray(self.fault != LIVE)


def measure_columns(
    counts: NDArray[np.uint16],
    belt: slice,
    name: str,
    air: NDArray[np.generic] | None = None,
    dark: NDArray[np.generic] | None = None,
) -> Columns:
    """Measure one layer from lines (H, W) of a scan, or its profile from images of air and dark where given.

    From the scan alone, a column's air is the mean of what no particle covers, shrunk towards its neighbours'
    running median (James-Stein): 600 lines know a column to 0.1-0.2 % only, which is more than the columns of a
    flat-fielded detector differ. Lines that were lost, and what a line has in common, count for nothing.

    Args:
        counts: some 600 lines or more, mostly bare belt.
        belt: columns that see the belt.
        name: how error messages call the scan, usually its path.
        air: bare belt (any height, W); it may have been taken at another tube current.
        dark: image without X-rays (any height, W).

    Raises:
        InputError: as `air_level`; an air or dark image of another width, or not brighter than dark; half of the
            columns or of the lines faulty; matter that is brighter than air.
    """
    width = counts.shape[1]
    if 0 < len(counts) < _FEWEST:
        raise InputError(f"{name}: {len(counts)} lines, too few to know air by; give {_FEWEST} or more")
    check_image(counts[:, belt], name)
    offset = np.zeros(width, np.float32) if dark is None else _mean(dark, width, f"{name}: dark image")
    profile = np.ones(width, np.float32)
    if air is not None:
        profile = _mean(air, width, f"{name}: air image") - offset
        usual = float(np.median(profile[belt]))
        if usual < 1:
            raise InputError(f"{name}: the air image is not brighter than the dark one; take both again")
        profile /= usual
    whole = whole_lines(counts[:, belt])  # (H,)
    lost = len(whole) - int(whole.sum())
    shape = profile[belt]  # (belt,), as all of one value a column from here on
    no_light = shape < _NO_LIGHT  # dividing would make noise of it
    shape = np.where(no_light, np.float32(1), shape)
    if 2 * lost > len(whole):
        level_of(counts[:, belt], name)  # says so if that is because they are dark or saturated
        raise InputError(f"{name}: {lost} of {len(whole)} lines were lost, saturated or repeated; scan again")
    net = np.maximum(counts[whole, belt].astype(np.float32) - offset[belt], 0) / shape  # (n, belt)
    fault, rough, noise = column_faults(net)  # (belt,) each
    fault[no_light] = DARK
    live = fault == LIVE
    if 2 * int(live.sum()) < len(live):
        mend = "lower the exposure" if np.mean(net[:, ~live] >= net.max() - 1) > 0.5 else "mend the detector"
        raise InputError(f"{name}: more than half of the belt is faulty, {named(fault, belt.start)}; {mend}")
    check_saturated(counts[whole, belt][:, live], name)
    still = np.zeros(net.shape, np.bool_)
    still[1:] = net[1:] == net[:-1]
    # flat to 1 % first: what is bare is told by one threshold for all columns
    relative = net / rough  # (n, belt), 1 is bare belt; made ever flatter in place
    relative[:, ~live] = 1
    relative /= _common(relative, live)[:, None]
    # a detector that is not flat-fielded has no narrow peak of air; a slab that lies on half of the belt is no gain
    usual = float(np.median(rough[live]))
    steps = rough / (usual * (rough / usual).clip(0.5, 1.6))
    flat = np.rint(relative[:, live] * (usual * steps[live])).clip(0, FULL_SCALE).astype(np.uint16)
    # columns were measured on the brightest lines, which are not the usual ones of a belt whose level drifts
    scale = np.float32(level_of(flat, name) / usual)
    relative, rough = relative / scale, rough * scale
    check_inverted(smoothed(relative), still, belt.start, name)
    bare = _bare(relative)  # (n, belt)
    # once more, for on a belt whose level drifts the brightest lines were not everywhere the same ones
    count = bare.sum(axis=0)  # (belt,)
    mean = np.where(count >= _FEWEST, np.einsum("ij,ij->j", relative, bare) / np.maximum(count, 1), np.float32(1))
    rough, relative = rough * mean, relative / mean
    bare = _bare(relative)
    if air is None:
        gain = _own_air(relative, rough, bare, noise / rough, ~live)  # counts
        relative *= rough / gain
    else:
        # the pair knows the columns better than a scan with particles on it, but not today's level
        relative *= rough
        bare[:, ~live] = 0
        today = float(np.einsum("ij,ij->", relative, bare) / max(float(bare.sum()), 1.0))
        gain = np.full_like(rough, today)
        relative /= np.float32(today)
    deviation, count = bare_noise(smoothed(relative), bare)  # (belt,) each
    # over neighbours, so that neither chance nor a dead column moves the masks' threshold
    known = scipy.ndimage.binary_erosion(live, np.ones(KERNEL[0]), border_value=1) & (
        count >= min(_FEWEST, len(net) / 2)
    )
    deviation = scipy.ndimage.uniform_filter1d(
        running(filled(deviation, known if known.any() else live)), 15, mode="nearest"
    )
    sides = belt.start, width - belt.stop
    above_dark = shape * gain  # (belt,), counts
    padded = np.pad(above_dark, sides, constant_values=1) + offset  # (W,) from here on
    return Columns(float(above_dark[live].mean()), padded, offset, np.pad(deviation, sides), np.pad(fault, sides))


def _mean(image: NDArray[np.generic], width: int, name: str) -> NDArray[np.float32]:
    if image.shape[1] != width:
        raise InputError(f"{name} has {image.shape[1]} columns but the scan {width}; take it on the same sorter")
    return np.asarray(image.mean(axis=0, dtype=np.float64), np.float32)


def _common(relative: NDArray[np.float32], live: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return what each line (H, W) has in common, (H,), 1 of the usual line."""
    few = relative[:, np.flatnonzero(live)[:: max(1, int(live.sum()) // 1000)]]  # (H, n)
    upper = percentile(ordered(few, axis=1), 75)[:, None]  # bare belt, while a particle covers less than that
    bare = few > 0.93 * upper
    levels = (few * bare).sum(axis=1) / np.maximum(bare.sum(axis=1), 1)
    return np.asarray(levels / np.median(levels), np.float32)


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
    near = running(mean)
    own = mean / near - 1
    error = noise / np.sqrt(np.maximum(count, 1))  # (belt,), of the mean
    # the share of the differences' variance that counting does not explain is the columns' own
    quiet = known & (np.abs(own) < 5 * error)
    explained, seen = (float(np.mean(part[quiet] ** 2)) if quiet.any() else 0.0 for part in (error, own))
    share = max(0.0, 1 - explained / seen) if seen > 0 else 0.0
    # a column far off is so by itself, not by chance: it keeps all of its difference
    return np.asarray(near * (1 + np.where(quiet, share, np.where(known, 1.0, 0.0)) * own), np.float32)
