"""The nozzles as an observer of the belt: decisions become windows, and figures of what these did."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.runtime.observer import Rates
from oresort.scan.fault import Fault
from oresort.sorting.decision import Decision
from oresort.sorting.ejectors.schedule import Due, Schedule
from oresort.sorting.ejectors.settings import Ejectors
from oresort.sorting.ejectors.shots import profile
from oresort.sorting.ejectors.tally import Tally


class Ejecting:
    """Schedules the valves while the belt runs.

    The clock is the belt's own: what is decided when line n has come is decided n / line_rate seconds after the first.
    `take` is given what has come to be certain, in order; its particles are numbered from 0 as they were decided.
    """

    def __init__(self, plant: Ejectors) -> None:
        self.plant = plant
        self.take: Callable[[Due], None] = lambda due: None
        self.schedule = Schedule(plant)
        self.count = 0  # particles decided so far
        self._tally = Tally(self.schedule)
        self._lines = self._columns = 0
        self._of_nozzles = [0] * plant.nozzles  # windows

    def lines(self, low: NDArray[np.uint16]) -> None:
        """Let the clock run."""
        self._lines, self._columns = self._lines + len(low), low.shape[1]
        self._give(self.schedule.due(self._lines / self.plant.line_rate))

    def decided(self, decisions: Sequence[Decision], line: int) -> None:
        """Have windows made for what is to be blown out."""
        now = line / self.plant.line_rate
        for made in decisions:
            particle, blown = made.particle, made.decision == self.plant.blown
            rows = profile(particle.mask)
            if self.schedule.add(self.count, rows, particle.x, particle.y, blown, now):
                self._tally.blow(particle.w, particle.h)
            self.count += 1
        self._give(self.schedule.due(now))  # lines that wait have let the clock run on

    def cut_off(self) -> None:
        """Give out all that is left: when the next lines come, nobody knows on this clock."""
        self._give(self.schedule.end())

    def faults(self, faults: Sequence[Fault]) -> None:
        """No valve depends on them."""

    def alarms(self, alarms: Sequence[str]) -> None:
        """Nor on these."""

    def rates(self, rates: Rates) -> None:
        """Nor on these."""

    def finished(self) -> None:
        """Give out all that is left."""
        self.cut_off()

    def figures(self) -> dict[str, Any]:
        """Return what the nozzles did so far, see `Tally.figures`."""
        return self._tally.figures(self._lines, self._columns)

    def record(self) -> dict[str, Any]:
        """Return figures, and the plant that they are of."""
        return {**self.figures(), "plant": asdict(self.plant)}

    def shown(self) -> Mapping[str, Any]:
        """Return what the live page shows: figures, and how many windows each nozzle had."""
        return {**self.figures(), "nozzles": list(self._of_nozzles)}

    def _give(self, due: Due) -> None:
        if any(due):
            for window in due.windows:
                self._of_nozzles[window.nozzle] += 1
            self._tally.add(due)
            self.take(due)
