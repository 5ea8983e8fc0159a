"""A raw scan, or lines as they come: calibrated, segmented, cut, drawn. `docs/scans.md` shows each name at work."""

from importlib import import_module
from typing import Any

_FACE = {
    "PairReader": "files.lines",
    "Cutting": "files.dataset",
    "calibrate_scan": "scan.calibrate.measure",
    "load_calibration": "scan.calibrate.calibration",
    "save_calibration": "scan.calibrate.calibration",
    "Cutter": "scan.cut.cutter",
    "cut_scan": "scan.cut.cutter",
    "draw_profiles": "scan.draw.calibration",
    "draw_registration": "scan.draw.calibration",
    "draw_masks": "scan.draw.masks",
    "Preview": "scan.draw.preview",
    "draw_decisions": "scan.draw.decisions",
}

__all__ = list(_FACE)  # resolved on demand: a command pays only for what it uses


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'oresort.scan' has no attribute {name!r}")
    return getattr(import_module(f"oresort.{_FACE[name]}"), name)
