"""One calibration out of those of several scans of one sorter."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oresort.errors import InputError
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.faults import LIVE, filled

_DRIFT = 0.05  # of level between scans, relative: more is no drift of a shift


def merged(scans: Sequence[Calibration]) -> Calibration:
    """Return means of level, air and noise over scans; a column is faulty if it is so in any of them.

    Raises:
        InputError: the scans are of another width, or see another belt.
    """
    first = scans[0]
    for what in ("width", "belt"):
        if len({str(getattr(scan, what)) for scan in scans}) > 1:
            raise InputError(f"the scans differ in {what}, so they are of several sorters; calibrate each by itself")
    notes = dict.fromkeys(note for scan in scans for note in scan.notes)
    for layer in ("low", "high"):
        levels = [getattr(scan, layer).level for scan in scans]
        if max(levels) > (1 + _DRIFT) * min(levels):
            notes[f"{layer} layer: air lies between {min(levels):,.0f} and {max(levels):,.0f} counts"] = None
    low, high = (_mean([getattr(scan, layer) for scan in scans], first.belt) for layer in ("low", "high"))
    return replace(first, low=low, high=high, notes=tuple(notes))


def _mean(layers: Sequence[Columns], belt: slice) -> Columns:
    level = float(np.mean([columns.level for columns in layers]))
    # a scan's level is its own, its columns are the sorter's
    above = np.mean([(columns.air - columns.dark) * (level / columns.level) for columns in layers], axis=0)  # (W,)
    noise = np.mean([columns.noise for columns in layers], axis=0)
    fault = layers[0].fault.copy()
    for columns in layers[1:]:
        fault = np.where(fault == LIVE, columns.fault, fault)
    above[belt] = filled(above[belt], fault[belt] == LIVE)
    above[: belt.start] = above[belt.stop :] = 1
    air = (above + layers[0].dark).astype(np.float32)
    return Columns(level, air, layers[0].dark, noise.astype(np.float32), fault.astype(np.uint8))
