"""Columns that do not show what passes them, found from a stretch of a scan as a whole."""

import numpy as np
import scipy
from numpy.typing import NDArray

from oresort.scan.calibrate.order import ordered, percentile
from oresort.scan.fault import runs

KINDS = ("live", "dark", "stuck", "noisy", "unsteady", "odd")
"""Of a column by its code: 0 is live; stuck at any count, or one line repeated; odd is far off its neighbours."""
LIVE, DARK, STUCK, NOISY, UNSTEADY, ODD = range(6)

_BLOCKS, _LINES = 8, 75  # a stretch is looked at in so many parts, of so many neighbouring lines at most
_REACH = 31  # columns of the running median that tells a column's own fault from its neighbours' level
_FAULT = 0.2  # relative: a column farther off its neighbours is dead rather than of another gain
_FLICKER = 4.0  # noise over the belt's or the neighbours' above which a column is dead
_GOES, _DIFFERENCE = 0.15, 1.13  # mean step over air that rims of rocks do not reach; of noise over its deviation
_NOISELESS = 1e-3  # noise over air below which an image is a computed one
_STUCK = 0.1  # noise over the belt's below which a column is dead: under 6 mm of steel it is 0.2 yet
_DIM = 0.4  # air over the belt's below which a column that has little noise, too, sees no light


def column_faults(net: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """Return what is wrong with each column, as codes of `KINDS`, its air to 1 % or so, and its pixel noise, (W,) each.

    Whole modules may be at fault, so a column is compared with the belt's noise first, and with its neighbours'
    level only then. Level and noise of live columns may vary smoothly, or by modules, by half and by four. Where no
    column is noisy (computed images) none is stuck. Faulty columns take air and noise from the live ones beside them.

    Args:
        net: counts above dark (H, W), 2 lines or more, over the detector's profile where that is known; lines that
            were lost are left out.
    """
    blocks = _blocks(net)  # (K, n, W)
    noise, step = _noise(blocks)  # (K, W) each
    lines = blocks.reshape(-1, net.shape[1])  # (K n, W)
    blocks = ordered(blocks, axis=1)  # (K, W, n), from the darkest line to the brightest
    # the brightest twentieth is bare belt; of noise as wide as this its quantile lies 1.5 deviations up
    own = np.median(noise, axis=0)  # (W,)
    top = percentile(ordered(lines, axis=0), 95)
    scale = float(np.percentile(top, 75))
    alive = (own > 0) & (top > _DIM * scale)
    codes = np.zeros(net.shape[1], np.uint8)
    if np.percentile(own, 90) > _NOISELESS * scale:
        usual = np.median(noise[:, alive], axis=1, keepdims=True) if alive.any() else np.ones((len(noise), 1))  # (K, 1)
        few = min(2, len(noise))
        still = noise <= _STUCK * usual
        opaque = still & (percentile(blocks, 25) < 0.1 * scale)
        codes[_follow(still & ~opaque, few) | still.all(axis=0)] = STUCK
        # what comes and goes in a tenth of the lines is no noise of the others
        goes = step > np.maximum(_GOES * scale, _FLICKER * _DIFFERENCE * usual)
        codes[_follow((noise > _FLICKER * usual) | goes, few)] = NOISY
        dim = ~(top > _DIM * scale) & (own < 2 * _STUCK * float(np.median(usual)))
        codes[dim | _follow(opaque, min(3, len(noise)))] = DARK  # a lump of metal is as dark, but not as long
        codes[(codes == LIVE) & _unsteady(blocks, noise, top)] = UNSTEADY
    else:
        codes[~(top > _DIM * scale) & (np.ptp(lines, axis=0) <= 0.1 * scale)] = DARK
    if not (codes == LIVE).any():
        return codes, top, own.astype(np.float32)
    near_noise = running(filled(own, codes == LIVE))
    codes[(codes == LIVE) & (own > _FLICKER * near_noise) & (near_noise > 0)] = NOISY
    rough = top - np.float32(1.5) * near_noise
    covered = (codes == LIVE) & _covered(blocks, rough, running(filled(rough, codes == LIVE), 8 * _REACH), own)
    near = running(filled(rough, (codes == LIVE) & ~covered))
    codes[(codes == LIVE) & ~covered & ~(np.abs(rough / np.maximum(near, 1e-6) - 1) <= _FAULT)] = ODD
    live = (codes == LIVE) & ~covered
    return codes, filled(rough, live), filled(own, codes == LIVE)


def named(fault: NDArray[np.uint8], start: int) -> str:
    """Return in words kinds and columns of faults (W,), which begin at column `start` of the scan."""
    parts = []
    for code in range(1, len(KINDS)):
        spans = runs((np.flatnonzero(fault == code) + start).tolist())
        if spans:
            more = f" and {len(spans) - 3} more" if len(spans) > 3 else ""
            parts.append(f"{KINDS[code]} columns " + ", ".join(f"{s.start}-{s.stop - 1}" for s in spans[:3]) + more)
    return "; ".join(parts)


def filled(values: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return values (W,) with those not `known` interpolated from the known ones; unchanged if none is."""
    columns = np.arange(len(values))
    if not known.any():
        return values.astype(np.float32)
    return np.asarray(np.interp(columns, columns[known], values[known]), np.float32)


def running(values: NDArray[np.floating], reach: int = _REACH) -> NDArray[np.float32]:
    """Return the running median (W,) over `reach` columns."""
    return np.asarray(scipy.ndimage.median_filter(values, reach, mode="mirror"), np.float32)


def _blocks(net: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return parts (K, n, W) evenly over a stretch (H, W), each of neighbouring lines."""
    count = max(1, min(_BLOCKS, len(net) // 15))
    length = min(len(net) // count, _LINES)
    starts = np.linspace(0, len(net) - length, count).astype(int)
    return np.stack([net[start : start + length] for start in starts])


def _noise(blocks: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return noise and mean step between lines, (K, W) each, of blocks (K, n, W)."""
    # of differences between lines, to which rock and gain add little; the median keeps a particle's rims out
    steps = np.abs(np.diff(blocks, axis=1))
    mean = np.asarray(steps.mean(axis=1), np.float32)
    return np.asarray(1.4826 / np.sqrt(2) * percentile(ordered(steps, axis=1), 50), np.float32), mean


def _follow(marks: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return which columns (W,) of marks (K, W) bear `count` of them one after the other."""
    parts = [marks[first : len(marks) - count + 1 + first] for first in range(count)]
    return np.asarray(np.logical_and.reduce(parts).any(axis=0))


def _unsteady(blocks: NDArray[np.float32], noise: NDArray[np.float32], air: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which columns (W,) of ordered blocks stay at another level for long, as even along the belt as no rock."""
    if len(blocks) < 4:
        return np.zeros(blocks.shape[1], np.bool_)
    middle, high = percentile(blocks, 50), percentile(blocks, 95)  # (K, W) each
    even = high - middle < 3 * noise
    level = middle / np.maximum(air, 1)  # (K, W)
    level /= np.maximum(
        np.percentile(level, 75, axis=1, keepdims=True), 1e-3
    )  # what all columns do is the tube's doing
    off = level - 1
    same = np.abs(np.diff(level, axis=0)) <= 0.05 * level[1:]  # (K - 1, W)
    weak = even & (np.abs(off) > _FAULT)
    found = _follow(weak[1:-1] & weak[:-2] & weak[2:] & same[:-1] & same[1:], 1)
    found &= _follow(even & (np.abs(off) < _FAULT / 2), 2)  # on an inverted scan what is bright is rock, and uneven
    # a module weakens as a whole, also where particles hide it
    reach = 4 * _REACH
    wide = np.pad(scipy.ndimage.binary_opening(found, np.ones(_REACH)), reach)
    return np.asarray(found | scipy.ndimage.binary_closing(wide, np.ones(reach))[reach:-reach])


def _covered(
    blocks: NDArray[np.float32], air: NDArray[np.float32], broad: NDArray[np.float32], noise: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Return which columns (W,) of ordered blocks are never bare: their brightest lines are not air."""
    if len(blocks) < 4:
        dim = air < 0.6 * broad  # darker than any module's gain
    else:
        # rock is uneven along the belt, a gain is not
        bright = np.sort(percentile(blocks, 90), axis=0)  # (K, W)
        dim = (bright[-2] - bright[len(bright) // 2 - 1] > 0.05 * air + noise) & (air < (1 - _FAULT) * broad)
    return np.asarray(scipy.ndimage.binary_opening(scipy.ndimage.binary_closing(dim, np.ones(5)), np.ones(8)))
