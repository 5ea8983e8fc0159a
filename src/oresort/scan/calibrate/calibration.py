"""All that one scan needs to be corrected, segmented and registered, and its file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oresort.errors import InputError
from oresort.files.reading import read_json
from oresort.files.write import write_json
from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.correct import mendable
from oresort.scan.calibrate.faults import KINDS
from oresort.scan.calibrate.register import Registration
from oresort.scan.fault import Fault, joined, runs
from oresort.xray.transmission import FULL_SCALE

_VERSION = 2
_ARRAYS = ("air", "dark", "noise")
_MAKE = "write one with python -m oresort.calibrate"


@dataclass(frozen=True)
class Calibration:
    """Belt, both layers' columns, and how the layers overlie: None if not known, then crops are cut as released."""

    belt: slice
    low: Columns
    high: Columns
    registration: Registration | None
    made: str = ""  # day on which columns and registration were measured, as 2026-01-31
    sorter: str | None = None  # name of the sorter
    pixel: float | None = None  # mm of belt per pixel
    levels: tuple[float, float] | None = None  # mean air (low, high) on that day, if the air is another day's
    notes: tuple[str, ...] = ()  # what looked wrong when it was measured, one line each

    @property
    def width(self) -> int:
        """Columns of the scan."""
        return len(self.low.air)

    def check_width(self, width: int, name: str) -> None:
        """Raise InputError unless a scan called `name` has as many columns."""
        if width != self.width:
            raise InputError(
                f"{name}: {width} columns but the calibration has {self.width}; give that sorter's calibration"
            )

    def faults(self) -> list[Fault]:
        """Return runs of faulty columns by place; their kind is the commonest of `faults.KINDS` in the run."""
        found = []
        for layer, columns in (("low", self.low), ("high", self.high)):
            fault = columns.fault[self.belt]
            for span in runs(np.flatnonzero(fault)):
                kind = KINDS[int(np.bincount(fault[span]).argmax())]
                place = slice(span.start + self.belt.start, span.stop + self.belt.start)
                found.append(Fault(layer, kind, None, place, mendable(span, len(fault))))
        return joined(found)


def save_calibration(path: str | Path, calibration: Calibration) -> None:
    """Write a calibration as JSON, whole or not at all."""
    fit = calibration.registration
    content = {
        "version": _VERSION,
        "made": calibration.made,
        "sorter": calibration.sorter,
        "pixel": calibration.pixel,
        "belt": [calibration.belt.start, calibration.belt.stop],
        "levels": calibration.levels,
        "notes": calibration.notes,
        "registration": None if fit is None else vars(fit),
        "low": _plain(calibration.low),
        "high": _plain(calibration.high),
    }
    write_json(Path(path), content)


def load_calibration(path: str | Path) -> Calibration:
    """Read what `save_calibration` wrote; InputError where the file is absent or not a calibration."""
    content = read_json(path := Path(path), _MAKE)
    try:
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}")
        fit = content["registration"]
        low, high = _columns("low", content["low"]), _columns("high", content["high"])
        width = len(low.air)
        if len(high.air) != width:
            raise ValueError(f"{width} columns in low, {len(high.air)} in high")
        start, stop = content["belt"]
        if not (isinstance(start, int) and isinstance(stop, int) and 0 <= start < stop <= width):
            raise ValueError(f"belt {start} to {stop} of {width} columns")
        registration = None if fit is None else _registration(fit, width)
        sorter, pixel, levels, notes = content["sorter"], content["pixel"], content["levels"], content["notes"]
        if not isinstance(notes, list) or not isinstance(sorter, str | None):
            raise ValueError("notes or sorter")
        return Calibration(
            slice(start, stop),
            low,
            high,
            registration,
            made=str(content["made"]),
            sorter=sorter,
            pixel=None if pixel is None else _number("pixel", pixel, 1e-3, 100),
            levels=None if levels is None else (_level("levels", levels[0]), _level("levels", levels[1])),
            notes=tuple(map(str, notes)),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a calibration of this version ({error}); {_MAKE}") from error


def _plain(columns: Columns) -> dict[str, Any]:
    # seven digits are all that single precision has
    arrays = {name: [float(f"{value:.7g}") for value in getattr(columns, name).tolist()] for name in _ARRAYS}
    faults = {KINDS[code]: np.flatnonzero(columns.fault == code).tolist() for code in np.unique(columns.fault) if code}
    return {"level": columns.level, **arrays, "faults": faults}


def _columns(layer: str, plain: dict[str, Any]) -> Columns:
    arrays = np.array([plain[name] for name in _ARRAYS], np.float64)  # (3, W)
    if arrays.ndim != 2:
        raise ValueError(f"{layer}: a column without one of {', '.join(_ARRAYS)}")
    air, dark, noise = arrays
    # air that is not brighter than dark, or that no detector could count, would turn all matter into something else
    for name, good in (
        ("air", (air > dark) & (air <= 2 * FULL_SCALE)),
        ("dark", (dark >= 0) & (dark < FULL_SCALE)),
        ("noise", (noise >= 0) & (noise <= 1)),
    ):
        if not good.all():  # NaN is never good
            raise ValueError(f"{layer}.{name} {plain[name][int(good.argmin())]} in column {good.argmin()}")
    air, dark, noise = arrays.astype(np.float32)
    fault = np.zeros(arrays.shape[1], np.uint8)
    for kind, columns in plain["faults"].items():
        if not all(isinstance(column, int) and 0 <= column < len(fault) for column in columns):
            raise ValueError(f"{layer}.faults.{kind}: a column that is not there")
        fault[columns] = KINDS.index(kind)
    return Columns(_level(f"{layer}.level", plain["level"]), air, dark, noise, fault)


def _registration(plain: dict[str, Any], width: int) -> Registration:
    ranges = {"scale": (0.5, 2), "residual": (0, 1e3), "unregistered": (0, 1e3)}
    ranges |= {"column_offset": (-width, width), "row_offset": (-width, width)}
    fit = Registration(**plain)
    for name, (least, most) in ranges.items():
        _number(f"registration.{name}", plain[name], least, most)
    return fit


def _level(name: str, value: object) -> float:
    return _number(name, value, 1, FULL_SCALE)


def _number(name: str, value: object, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} {value!r}, not {least:g} to {most:g}")
    return float(value)
