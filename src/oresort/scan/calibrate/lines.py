"""Which lines of a scan show what passed: not those that were lost, saturated or written twice."""

import numpy as np
from numpy.typing import NDArray

from oresort.xray.transmission import FULL_SCALE

_LEAST, _MOST = 0.5, 1.3  # air of a line over that of the others, outside which it was lost or saturated
_PACKET = 16  # columns side by side at 0 or full scale that make a lost packet, which is 64 and more


def whole_lines(counts: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Return which lines (H,) of one layer's belt (H, W) show all of it, judged by the stretch as a whole.

    Particles on a part of the belt do not count against a line, nor do columns that are always faulty.
    """
    changing = np.flatnonzero((counts == counts[len(counts) // 2]).mean(axis=0) < 0.9)
    # bare belt, while particles or dead modules take less than three quarters of a line
    upper = np.percentile(counts[:, changing if changing.size else slice(None)], 75, axis=1)  # (H,)
    usual = max(float(np.percentile(upper, 90)), 1.0)  # a tube that was off for most of the lines is dark by itself
    whole = (upper >= _LEAST * usual) & (upper <= _MOST * usual)
    void = (counts == 0) | (counts == FULL_SCALE)  # (H, W)
    void &= void.mean(axis=0) < 0.5
    whole &= ~_has_run(void, _PACKET)
    same = (counts[1:] == counts[:-1]).mean(axis=1)  # (H - 1,)
    # where nothing is noisy all lines are alike
    if len(same) and float(np.median(same)) < 0.5:
        whole[1:] &= same < 0.5 + 0.5 * float(np.median(same))
    return np.asarray(whole, np.bool_)


def _has_run(marks: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Return which lines (H,) of marks (H, W) hold so many side by side."""
    lines = np.flatnonzero(marks.sum(axis=1) >= length)
    found = np.zeros(len(marks), np.bool_)
    if marks.shape[1] < length:
        return found
    total = np.pad(np.cumsum(marks[lines], axis=1, dtype=np.int32), ((0, 0), (1, 0)))  # (n, W + 1)
    found[lines] = (total[:, length:] - total[:, :-length] == length).any(axis=1)
    return found
