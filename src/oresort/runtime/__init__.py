"""Decides at the speed of the belt: lines of a scan in, decisions out. It needs no torch.

What a program of one's own needs stands here; each name is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_FACE = {
    "Model": "runtime.model",
    "OnnxModel": "runtime.onnx",
    "open_model": "runtime.onnx",
    "Sorter": "runtime.sorter",
    "Decision": "sorting.decision",
    "Policy": "sorting.policy",
}

__all__ = list(_FACE)


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'oresort.runtime' has no attribute {name!r}")
    return getattr(import_module(f"oresort.{_FACE[name]}"), name)
