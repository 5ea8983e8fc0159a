"""The calibration of a stream, measured on its first lines, which are kept and sorted as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.lines import Pair
from oresort.runtime.source.event import Block, Calibrated, Event, Log
from oresort.scan.calibrate.adjust import adjust_calibration
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.measure import calibrate_scan


@dataclass(frozen=True)
class _Layer:
    path: Path  # how messages call it
    counts: NDArray[np.uint16]  # (n, W)

    @property
    def height(self) -> int:
        return len(self.counts)

    @property
    def width(self) -> int:
        return int(self.counts.shape[1])

    def read(self, start: int, stop: int) -> NDArray[np.uint16]:
        return self.counts[max(start, 0) : max(stop, 0)]


@dataclass(frozen=True)
class _Pair:
    low: _Layer
    high: _Layer

    @property
    def height(self) -> int:
        return self.low.height

    @property
    def width(self) -> int:
        return self.low.width


def held(name: str, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> Pair:
    """Return both layers of lines (n, W) in memory as what is calibrated by; messages call them by `name`."""
    return _Pair(_Layer(Path(f"{name} of the low layer"), low), _Layer(Path(f"{name} of the high layer"), high))


def calibrated(
    events: Iterator[Event], first: int, given: Calibration | None, name: str, log: Log, *, needed: bool
) -> Iterator[Event]:
    """Yield what a source tells, after a calibration that its `first` lines give, or fewer if it ends before.

    Args:
        events: pieces of belt and their lines.
        first: lines that are held back for it; 0: `given` is taken as it is, and the first line is sorted at once.
        given: an earlier calibration, which is brought to the level, noise and faults of these lines.
        name: how messages call the source.
        log: takes events.
        needed: the registration is.

    Raises:
        InputError: the lines do not tell what is needed, or are not of the calibration's sorter.
    """
    kept: list[Event] = []
    lines = 0
    if first:
        for event in events:
            kept.append(event)
            lines += len(event.low) if isinstance(event, Block) else 0
            if lines >= first:
                break
        if not lines:
            return
        blocks = [event for event in kept if isinstance(event, Block)]
        label = f"{name}: the first {lines:,} lines"
        pair = held(label, *(np.concatenate([getattr(block, layer) for block in blocks]) for layer in ("low", "high")))
        try:
            calibration = calibrate_scan(pair, needed=needed) if given is None else adjust_calibration(pair, given)
        except InputError as error:
            raise InputError(f"{error} (first={first})") from error
        log("calibration", f"{label} gave it; air is {calibration.low.level:,.0f} and {calibration.high.level:,.0f}")
    elif given is not None:
        calibration = given
    yield Calibrated(calibration, calibration.notes)
    yield from kept
    yield from events
