"""All that one scan needs to be corrected, segmented and registered, and its file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.register import Registration

_VERSION = 1
_ARRAYS = ("air", "dark", "noise")


@dataclass(frozen=True)
class Calibration:
    """Belt, both layers' columns, and how the layers overlie."""

    belt: slice
    low: Columns
    high: Columns
    registration: Registration | None
    """None where it is not known and crops are cut as released."""

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
    """Read what `save_calibration` wrote.

    Raises:
        InputError: an absent file, or one that is not a calibration.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a calibration that prepare has written") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON; give a calibration that prepare has written") from error
    try:
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
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a calibration of this version ({error}); let prepare write one") from error


def _plain(columns: Columns) -> dict[str, Any]:
    plain: dict[str, Any] = {"level": columns.level}
    for name in _ARRAYS:
        # seven digits are all that single precision has
        plain[name] = [float(f"{value:.7g}") for value in getattr(columns, name).tolist()]
    plain["dead"] = np.flatnonzero(columns.dead).tolist()
    return plain


def _columns(plain: dict[str, Any]) -> Columns:
    arrays: dict[str, NDArray[np.float32]] = {name: np.array(plain[name], dtype=np.float32) for name in _ARRAYS}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1 or arrays["air"].ndim != 1:
        raise ValueError("columns")
    if not all(np.isfinite(array).all() for array in arrays.values()) or not float(plain["level"]) >= 1:
        raise ValueError("counts")
    dead = np.zeros(arrays["air"].shape, np.bool_)
    dead[np.array(plain["dead"], dtype=np.int64)] = True
    return Columns(float(plain["level"]), arrays["air"], arrays["dark"], arrays["noise"], dead)
