"""All that one scan needs to be corrected, segmented and registered, and its file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oresort.errors import InputError
from oresort.files.write import write_json
from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.correct import mendable
from oresort.scan.calibrate.faults import KINDS
from oresort.scan.calibrate.register import Registration
from oresort.scan.fault import Fault, joined, runs

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


def save_calibration(path: Path, calibration: Calibration) -> None:
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
    write_json(path, content)


def load_calibration(path: Path) -> Calibration:
    """Read what `save_calibration` wrote; InputError where the file is absent or not a calibration."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}")
        fit = content["registration"]
        low, high = _columns(content["low"]), _columns(content["high"])
        start, stop = (int(column) for column in content["belt"])
        if not 0 <= start < stop <= len(low.air) or len(low.air) != len(high.air):
            raise ValueError("belt")
        registration = None if fit is None else Registration(**{key: float(v) for key, v in fit.items()})
        if registration is not None and not np.isfinite(list(vars(registration).values())).all():
            raise ValueError("registration")
        sorter, pixel, levels = content["sorter"], content["pixel"], content["levels"]
        return Calibration(
            slice(start, stop),
            low,
            high,
            registration,
            made=str(content["made"]),
            sorter=None if sorter is None else str(sorter),
            pixel=None if pixel is None else float(pixel),
            levels=None if levels is None else (float(levels[0]), float(levels[1])),
            notes=tuple(map(str, content["notes"])),
        )
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {_MAKE}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a calibration of this version ({error}); {_MAKE}") from error


def _plain(columns: Columns) -> dict[str, Any]:
    # seven digits are all that single precision has
    arrays = {name: [float(f"{value:.7g}") for value in getattr(columns, name).tolist()] for name in _ARRAYS}
    faults = {KINDS[code]: np.flatnonzero(columns.fault == code).tolist() for code in np.unique(columns.fault) if code}
    return {"level": columns.level, **arrays, "faults": faults}


def _columns(plain: dict[str, Any]) -> Columns:
    arrays = np.array([plain[name] for name in _ARRAYS], np.float32)  # (3, W)
    if arrays.ndim != 2 or not np.isfinite(arrays).all() or not float(plain["level"]) >= 1:
        raise ValueError("columns")
    fault = np.zeros(arrays.shape[1], np.uint8)
    for kind, columns in plain["faults"].items():
        fault[np.array(columns, dtype=np.int64)] = KINDS.index(kind)
    air, dark, noise = arrays
    return Columns(float(plain["level"]), air, dark, noise, fault)
