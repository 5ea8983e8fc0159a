"""What observers are told of belts that lie on a disk: the same as of a stream, as fast as it is sorted."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from oresort.runtime.observer import Observer
from oresort.runtime.sorter import Sorter
from oresort.runtime.stream.meter import Meter
from oresort.scan.cut.cutter import BLOCK
from oresort.scan.fault import Fault
from oresort.sorting.decision import Decision

_EVERY = 0.5  # seconds between rates


class Telling:
    """Numbers lines through all belts, from the first line of the first one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers
        self._meter, self._told = Meter(), time.monotonic()
        self._base = 0  # line at which the present belt begins
        self._noted = 0
        self._old: list[Fault] = []  # of belts that are gone

    def block(self, low: NDArray[np.uint16], decisions: Sequence[Decision], sorter: Sorter) -> None:
        """Tell of lines, and of what was decided with them."""
        # decisions come with the last line of a block
        self._tell(low, decisions, self._base + sorter.lines // BLOCK * BLOCK, sorter)
        if time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            self._rates()

    def end(self, decisions: Sequence[Decision], sorter: Sorter, alarms: Sequence[str]) -> None:
        """Tell of what was decided at the end of a belt."""
        nothing = np.empty((0, sorter.calibration.width), np.uint16)
        self._tell(nothing, decisions, self._base + sorter.lines, sorter)
        self._old = self._faults(sorter)
        self._base, self._noted = self._base + sorter.lines, 0
        for observer in self._observers:
            observer.cut_off()
            observer.alarms(alarms)
        self._rates()

    def _tell(self, low: NDArray[np.uint16], decisions: Sequence[Decision], line: int, sorter: Sorter) -> None:
        self._meter.add_lines(len(low))
        # scans on a disk have no time at which a line came
        kept = sum(made.decision == "ore" for made in decisions)
        self._meter.add_decisions([0.0] * len(decisions), 0.0, kept, 0)
        moved = [made._replace(particle=replace(made.particle, y=made.particle.y + self._base)) for made in decisions]
        for observer in self._observers:
            if len(low):
                observer.lines(low)
            if moved:
                observer.decided(moved, line)
        if sorter.noted != self._noted:
            self._noted, faults = sorter.noted, self._faults(sorter)
            for observer in self._observers:
                observer.faults(faults)

    def _faults(self, sorter: Sorter) -> list[Fault]:
        moved = [
            fault
            if fault.lines is None
            else replace(fault, lines=slice(fault.lines.start + self._base, fault.lines.stop + self._base))
            for fault in sorter.faults
        ]
        return [*self._old, *moved]

    def _rates(self) -> None:
        rates = self._meter.rates(0)._replace(latency_median=math.nan, latency_p99=math.nan)
        for observer in self._observers:
            observer.rates(rates)
