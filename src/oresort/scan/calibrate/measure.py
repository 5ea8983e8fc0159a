"""Find a scan's calibration from the scan itself: belt, columns, and how the layers overlie."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import numpy as np
import scipy
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.lines import Pair
from oresort.scan.calibrate.air import find_belt, strayed
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.columns import measure_columns
from oresort.scan.calibrate.layers import Sample
from oresort.scan.calibrate.register import TURNED, Fit, LayersDifferError, fit_registration

_STRETCHES, _LINES = 4, 300  # of a sample: many whole particles fit into one
_STEADY = 31  # lines over which air is looked at
_SIDE = 16  # constant lines at either end of a scan which are sides of a belt that runs along its lines

Images = tuple[NDArray[np.generic], NDArray[np.generic]]
"""Of both layers, any height, (H, W) in counts."""


def calibrate_scan(reader: Pair, *, needed: bool = True) -> Calibration:
    """Calibrate a scan by itself: its columns, and how its layers overlie; what looks wrong is in its `notes`.

    Raises:
        InputError: as `measure_scan`, of layers that differ, or with too few particles; where these are not
            `needed`, the registration is left unknown then.
    """
    calibration, sample = measure_scan(reader)
    calibration, fit = with_fit(calibration, sample, str(reader.low.path))
    if calibration.registration is None and needed:
        few = "too few" if fit else "no"
        raise InputError(
            f"{reader.low.path}: {few} particles to register the layers by; give more scans of this sorter together, "
            "or calibration=FILE"
        )
    return calibration


def measure_scan(
    reader: Pair, air: Images | None = None, dark: Images | None = None, belt: slice | None = None
) -> tuple[Calibration, Sample]:
    """Measure a scan's columns; the registration is still None, and the sample is what it is fitted to.

    Args:
        reader: the scan.
        air: images of the bare belt, where taken.
        dark: images without X-rays, where taken.
        belt: columns that see the belt, where known.

    Raises:
        InputError: a scan without air (empty file, dark, saturated ...) or without a belt both layers see.
    """
    layers = reader.low, reader.high
    starts = _starts(reader.height)
    stretches = [tuple(layer.read(start, start + length) for layer in layers) for start, length in starts]
    low, high = (np.concatenate(layer) for layer in zip(*stretches, strict=True))  # (H, W)
    if _is_turned(low) and _is_turned(high):
        raise InputError(f"{reader.low.path}: its first and last lines are all one count, as sides are; {TURNED}")
    belt = find_belt(low, high) if belt is None else belt
    none = None, None
    # without a belt both layers are measured whole, for these errors say what is wrong: dark, saturated, empty
    whole = belt if belt.stop > belt.start else slice(0, reader.width)
    with ThreadPoolExecutor(2) as pool:  # large arrays: a core for each layer
        wanted = zip((low, high), layers, air or none, dark or none, strict=True)
        asked = [pool.submit(measure_columns, c, whole, str(layer.path), *images) for c, layer, *images in wanted]
        columns = [answer.result() for answer in asked]
    if belt.stop - belt.start < 2:
        raise InputError(f"{reader.low.path}: no columns that both layers see; give two layers of one scan")
    shifts = [
        _shift(counts[:, belt], one.air[belt], one.dead[belt]) for counts, one in zip((low, high), columns, strict=True)
    ]
    notes = [f"air of the {name} layer {words}" for name, words in zip(("low", "high"), shifts, strict=True) if words]
    calibration = Calibration(belt, columns[0], columns[1], None, made=date.today().isoformat(), notes=tuple(notes))
    sample = Sample()
    for (start, _), (low, high) in zip(starts, stretches, strict=True):
        sample.add(start, (low, high), (columns[0], columns[1]), belt)
    return calibration, sample


def with_fit(calibration: Calibration, sample: Sample, name: str) -> tuple[Calibration, Fit | None]:
    """Return a calibration with the registration that a sample gives, if it does, and with notes; and the fit.

    Raises:
        LayersDifferError: the layers, of a scan called `name`, do not belong together.
    """
    try:
        notes = sample.check()
        if not sample.seen:
            return calibration, None
        fit = fit_registration(sample.seen, calibration.belt.stop - calibration.belt.start)
    except LayersDifferError as error:
        raise LayersDifferError(f"{name}: {error}") from error
    known = fit.registration if fit.enough else None
    return replace(calibration, registration=known, notes=(*calibration.notes, *notes, *fit.notes())), fit


def _shift(counts: NDArray[np.uint16], air: NDArray[np.float32], dead: NDArray[np.bool_]) -> str:
    """Return in words how far air (belt,) rises and falls within lines (H, belt) of a layer; empty if that is usual."""
    live = np.flatnonzero(~dead)[:: max(1, int((~dead).sum()) // 200)]
    # the brightest twentieth is air on a full belt, too; a median over lines keeps out those that were lost
    level = np.percentile(counts[:, live] / air[live], 95, axis=1)  # (H,)
    level = scipy.ndimage.median_filter(level / np.median(level), _STEADY, mode="nearest")
    return strayed(float(level.min()), float(level.max()), "its usual level within the scan")


def _starts(height: int) -> list[tuple[int, int]]:
    """Return first line and length of four stretches of 300 lines, evenly over a scan; all of it if it is shorter."""
    if height <= _LINES * _STRETCHES:
        return [(0, height)]
    # evenly, since air may drift along a scan
    return [(start, _LINES) for start in np.linspace(0, height - _LINES, _STRETCHES).astype(int).tolist()]


def _is_turned(counts: NDArray[np.uint16]) -> bool:
    """Tell whether the first and the last lines (H, W) are each at one count, and others are not."""
    flat = (counts == counts[:, :1]).mean(axis=1) > 0.9  # (H,)
    if (counts[:, [0, -1]] == counts[0, 0]).all():  # all about it: saturated air
        return False
    return bool(len(flat) > 2 * _SIDE and flat[:_SIDE].all() and flat[-_SIDE:].all() and flat.mean() < 0.9)
