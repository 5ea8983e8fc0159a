"""Dual-energy X-ray ore sorting: from raw scans to a trained, evaluated and applied sorter.

What a notebook's first cells need stands here; each name is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oresort.belt import simulate_scan as simulate_scan
    from oresort.belt import write_pairs as write_pairs
    from oresort.data.datamodule import OreDataModule as OreDataModule
    from oresort.errors import InputError as InputError
    from oresort.files.lines import PairReader as PairReader
    from oresort.learn.checkpoint import load_trained as load  # noqa: F401
    from oresort.learn.evaluation import evaluate_checkpoint as evaluate_checkpoint
    from oresort.scan.calibrate.measure import calibrate_scan as calibrate_scan
    from oresort.scan.cut.cutter import cut_scan as cut_scan
    from oresort.scan.draw.decisions import draw_decisions as draw_decisions
    from oresort.sorting.decide import decide as decide

__version__ = "0.1.0"

_FACE = {
    "simulate_scan": "belt",
    "write_pairs": "belt",
    "OreDataModule": "data.datamodule",
    "InputError": "errors",
    "PairReader": "files.lines",
    "load": "learn.checkpoint:load_trained",
    "evaluate_checkpoint": "learn.evaluation",
    "calibrate_scan": "scan.calibrate.measure",
    "cut_scan": "scan.cut.cutter",
    "draw_decisions": "scan.draw.decisions",
    "decide": "sorting.decide",
}


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'oresort' has no attribute {name!r}")
    module, _, attribute = _FACE[name].partition(":")
    return getattr(import_module(f"oresort.{module}"), attribute or name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_FACE])
