"""Checks of what a configuration hands to a module, and what a module's own errors are told as."""

import math
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from oresort.errors import InputError, one_line

MOST = 65_536  # wider, or longer, than any layer that a pair of images could fill
MOST_PARTS = 256  # layers in a row, functions of a basis
MOST_BYTES = 2 * 10**9
"""What a model may take while it is built: 500 million parameters, a hundred times more than any here."""


def positive(key: str, value: int, most: int = MOST) -> int:
    """Return `value` where it is a whole number of 1 to `most`; else raise InputError naming `key`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        range_ = "of at least 1" if isinstance(value, int) and value < 1 else f"of 1 to {most:,}"
        raise InputError(f"{key}={_short(value)}: give a whole number {range_}")
    return value


def widths(key: str, values: Sequence[int], least: int = 0) -> tuple[int, ...]:
    """Return `least` or more widths as a tuple; raise InputError naming `key` unless all are at least 1."""
    if isinstance(values, str) or not isinstance(values, Sequence) or not least <= len(values) <= MOST_PARTS:
        raise InputError(f"{key}={_short(values)}: give a list of whole numbers, e.g. [64, 32]")
    return tuple(positive(key, value) for value in values)


@contextmanager
def bounded() -> Iterator[None]:
    """Refuse to build a model of more than `MOST_BYTES` before its memory is taken: a stranger's file may ask for any.

    Raises:
        InputError: the tensors made in the block would take more in sum.
    """
    with _Bounded():
        yield


class _Bounded(TorchFunctionMode):
    """Counts the bytes of all tensors that are made by their size, each before it is made."""

    MADE = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange, torch.linspace)

    def __init__(self) -> None:
        super().__init__()
        self.left = MOST_BYTES

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func in self.MADE and str(given.get("device")) != "meta":
            words = {key: value for key, value in given.items() if key not in ("device", "generator", "pin_memory")}
            try:
                alike: Tensor = func(*args, **words, device="meta")  # a size without memory
                size: float = alike.numel() * alike.element_size()
            except RuntimeError as error:
                if "overflow" not in str(error):
                    raise
                size = math.inf
            self.left -= size  # type: ignore[assignment]
            if self.left < 0:
                raise InputError(f"model: takes more than {MOST_BYTES / 1e9:.0f} GB; make it smaller")
        return func(*args, **given)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn whatever a part of a model raises into one line that begins with `what` and ends with the place."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/torch/" not in frame.filename]
        place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
        raise InputError(f"{what} ({type(error).__name__} in {place}: {one_line(error)})") from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
