"""Bring an earlier calibration to today's level of air: columns and registration are kept."""

from dataclasses import replace

import numpy as np

from oresort.errors import InputError
from oresort.files.lines import Pair
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.faults import running
from oresort.scan.calibrate.measure import measure_scan, with_fit
from oresort.scan.calibrate.register import Registration
from oresort.scan.fault import runs

LEVELS = (0.7, 1.3)  # of today's air over the calibration's: beyond lies another tube setting
_SHAPE = 0.02  # columns' air over the calibration's, from which the calibration is too old
_MOVED = 1.0  # pixels by which the layers may lie elsewhere than in the calibration


def adjust_calibration(reader: Pair, calibration: Calibration) -> Calibration:
    """Return a calibration with the level, noise and faulty columns of a scan, and the old columns and registration.

    The old levels are in its `levels`, and what has changed since in its `notes`.

    Raises:
        InputError: another width, no air, air beyond 0.7 to 1.3 of the calibration's, or layers that differ.
    """
    name = str(reader.low.path)
    calibration.check_width(reader.width, name)
    old = calibration.low, calibration.high
    belt, notes = calibration.belt, list[str]()
    air, dark = ((getattr(old[0], what)[None], getattr(old[1], what)[None]) for what in ("air", "dark"))  # (1, W) each
    today, sample = measure_scan(reader, air, dark, belt)
    own, _ = measure_scan(reader, None, dark, belt)
    layers = []
    for layer, path, before, now, alone in (
        ("low", reader.low.path, old[0], today.low, own.low),
        ("high", reader.high.path, old[1], today.high, own.high),
    ):
        ratio = now.level / before.level
        if not LEVELS[0] <= ratio <= LEVELS[1]:
            raise InputError(
                f"{path}: its air of {now.level:,.0f} counts is {ratio:.2f} of the calibration's {before.level:,.0f}, "
                f"beyond {LEVELS[0]} to {LEVELS[1]}; calibrate anew (calibration=null)"
            )
        notes += _changes(layer, before, alone, belt)
        layers.append(replace(now, fault=np.where(now.fault > 0, now.fault, before.fault)))
    fitted, fit = with_fit(today, sample, name)
    known = calibration.registration
    notes += fitted.notes
    if known is not None and fit is not None and fit.enough and (moved := apart(known, fit.registration, belt)):
        notes.append(moved)
    return replace(calibration, low=layers[0], high=layers[1], levels=(old[0].level, old[1].level), notes=tuple(notes))


def _changes(layer: str, before: Columns, now: Columns, belt: slice) -> list[str]:
    live = ~(before.dead | now.dead)[belt]
    ratio = running((now.air - now.dark)[belt] / np.maximum((before.air - before.dark)[belt], 1))  # (belt,)
    off = ratio / np.median(ratio[live] if live.any() else ratio) - 1
    changed = np.flatnonzero((np.abs(off) > _SHAPE) & live)
    if not changed.size:
        return []
    where = ", ".join(f"{s.start + belt.start}-{s.stop - 1 + belt.start}" for s in runs(changed)[:3])
    most = 100 * off[changed[np.abs(off[changed]).argmax()]]
    return [f"{layer} layer: air has changed by up to {most:+.1f} % in columns {where}; calibrate anew"]


def apart(known: Registration, found: Registration, belt: slice) -> str:
    """Return in words how far a registration is from a `known` one on a belt, or nothing if it is near."""
    ends = (belt.start, belt.stop - 1)
    columns = max(abs((found.scale - known.scale) * x + found.column_offset - known.column_offset) for x in ends)
    lines = abs(found.row_offset - known.row_offset)
    if max(columns, lines) <= _MOVED:
        return ""
    return (
        f"the layers lie up to {columns:.1f} columns and {lines:.1f} lines elsewhere than they used to; calibrate anew"
    )
