"""Dual-energy X-ray ore sorting: from raw scans to a trained, evaluated and applied sorter.

What a notebook's first cells need stands here; each name is imported when it is first used.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_FACE = {
    "simulate_scan": "belt",
    "write_pairs": "belt",
    "OreDataModule": "data.datamodule",
    "InputError": "errors",
    "PairReader": "files.lines",
    "compose": "learn.compose",
    "load": "learn.load",
    "evaluate_checkpoint": "learn.evaluation",
    "calibrate_scan": "scan.calibrate.measure",
    "cut_scan": "scan.cut.cutter",
    "draw_decisions": "scan.draw.decisions",
    "decide": "sorting.decide",
    "transfer_threshold": "sorting.transfer",
    "two_product": "sorting.balance",
}


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'oresort' has no attribute {name!r}")
    module, _, attribute = _FACE[name].partition(":")
    return getattr(import_module(f"oresort.{module}"), attribute or name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_FACE])
