"""The calibration of a stream, measured on its first lines, which are kept and sorted as well."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.lines import Pair
from oresort.runtime.source.event import Block, Calibrated, Event, Gap, Log
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
    """Yield what a source tells, after a calibration that its `first` lines give.

    A belt that ends before is calibrated by the lines that have come, if they tell enough, and so is each one after it
    until there are as many: what has ended waits for nobody.

    Args:
        events: pieces of belt and their lines.
        first: lines that are held back for it; 0: `given` is taken as it is, and the first line is sorted at once.
        given: an earlier calibration, which is brought to the level, noise and faults of these lines.
        name: how messages call the source.
        log: takes events.
        needed: the registration is.

    Raises:
        InputError: the lines do not tell what is needed, or are not of the calibration's sorter; or what ended the
            source, once the lines before it were yielded.
    """
    if not first:
        if given is not None:
            yield Calibrated(given, given.notes)
        yield from events
        return
    blocks: list[Block] = []
    held_back: list[Event] = []
    lines, over = 0, False
    failure: InputError | None = None
    while not over and lines < first:
        try:
            event = next(events, None)
        except InputError as error:  # lines that came before are whole
            event, failure = None, error
        over = event is None
        if event is not None:
            held_back.append(event)
        if isinstance(event, Block):
            blocks.append(event)
            lines += len(event.low)
        last = over or lines >= first
        if not any(isinstance(one, Block) for one in held_back) or not (last or isinstance(event, Gap)):
            continue
        try:
            calibration = _calibration(blocks, given, f"{name}: the first {lines:,} lines", log, needed=needed)
        except InputError as error:
            if failure:
                raise failure from error
            if last:
                raise InputError(f"{error} (first={first})") from error
            log("calibration", f"{error}; the belt has ended, and waits for the lines of the next one")
            continue
        yield Calibrated(calibration, calibration.notes)
        yield from held_back
        held_back = []
    if failure:
        raise failure
    yield from events


def _calibration(blocks: list[Block], given: Calibration | None, label: str, log: Log, *, needed: bool) -> Calibration:
    pair = held(label, *(np.concatenate([getattr(block, layer) for block in blocks]) for layer in ("low", "high")))
    calibration = calibrate_scan(pair, needed=needed) if given is None else adjust_calibration(pair, given)
    log("calibration", f"{label} gave it; air is {calibration.low.level:,.0f} and {calibration.high.level:,.0f}")
    return calibration
