"""All that one scan needs to be corrected, segmented and registered, and its file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.correct import mendable
from oresort.scan.calibrate.register import Registration
from oresort.scan.fault import Fault, joined, runs

_VERSION = 1
_ARRAYS = ("air", "dark", "noise")


@dataclass(frozen=True)
class Calibration:
    """Belt, both layers' columns, and how the layers overlie: None if not known, then crops are cut as released."""

    belt: slice
    low: Columns
    high: Columns
    registration: Registration | None

    @property
    def width(self) -> int:
        """Columns of the scan."""
        return len(self.low.air)

    def faults(self) -> list[Fault]:
        """Return the dead columns of both layers."""
        width = self.belt.stop - self.belt.start
        found = []
        for layer, columns in (("low", self.low), ("high", self.high)):
            for span in runs(np.flatnonzero(columns.dead[self.belt])):
                place = slice(span.start + self.belt.start, span.stop + self.belt.start)
                found.append(Fault(layer, "dead", None, place, mendable(span, width)))
        return joined(found)

    def check_width(self, width: int, name: str) -> None:
        """Raise InputError unless a scan called `name` has as many columns."""
        if width != self.width:
            raise InputError(
                f"{name}: {width} columns but the calibration has {self.width}; give that sorter's calibration"
            )


def save_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration as JSON, whole or not at all."""
    fit = calibration.registration
    content = {
        "version": _VERSION,
        "belt": [calibration.belt.start, calibration.belt.stop],
        "registration": None if fit is None else vars(fit),
        "low": _plain(calibration.low),
        "high": _plain(calibration.high),
    }
    with replacing(path) as part:
        part.write_text(json.dumps(content) + "\n", encoding="utf-8")


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
        return Calibration(slice(start, stop), low, high, registration)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a calibration that prepare has written") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a calibration of this version ({error}); let prepare write one") from error


def _plain(columns: Columns) -> dict[str, Any]:
    # seven digits are all that single precision has
    arrays = {name: [float(f"{value:.7g}") for value in getattr(columns, name).tolist()] for name in _ARRAYS}
    return {"level": columns.level, **arrays, "dead": np.flatnonzero(columns.dead).tolist()}


def _columns(plain: dict[str, Any]) -> Columns:
    arrays = np.array([plain[name] for name in _ARRAYS], np.float32)  # (3, W)
    if arrays.ndim != 2 or not np.isfinite(arrays).all() or not float(plain["level"]) >= 1:
        raise ValueError("columns")
    dead = np.zeros(arrays.shape[1], np.bool_)
    dead[np.array(plain["dead"], dtype=np.int64)] = True
    air, dark, noise = arrays
    return Columns(float(plain["level"]), air, dark, noise, dead)
