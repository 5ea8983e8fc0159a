"""What a source of lines tells: which piece of belt its lines are of, how to correct them, and the lines."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.calibration import Calibration

Log = Callable[[str, str], None]
"""Takes the kind of an event and what happened, one line."""


class Calibrated(NamedTuple):
    """The pieces from here on are corrected so; it comes before the first of them."""

    calibration: Calibration
    notes: tuple[str, ...]  # what looked wrong, one line each


class Piece(NamedTuple):
    """The lines from here on are of another scan; after no `Gap`, of the same belt all the same."""

    name: str
    first: int  # number of its first line, in the sender's or the file's own count


class Done(NamedTuple):
    """A scan was read to its end, or as far as it can be."""

    name: str


class Gap(NamedTuple):
    """The belt is cut here: no line to come touches those that came."""


class Block(NamedTuple):
    """Some lines, in order and without a hole."""

    low: NDArray[np.uint16]  # (n, W)
    high: NDArray[np.uint16]
    came: float  # time.perf_counter() at which the last of them was here


Event = Calibrated | Piece | Done | Gap | Block
Source = Iterator[Event]
