"""What a row of nozzles had to do, in a few figures, and what it leaves of a classifier's rates."""

import math
from collections import deque
from typing import Any

from oresort.sorting.ejectors.efficiency import co_deflection, expected
from oresort.sorting.ejectors.schedule import Due, Schedule
from oresort.sorting.ejectors.settings import Ejectors
from oresort.sorting.ejectors.shots import air


class Tally:
    """Counts what a schedule gives out; memory does not grow with the belt."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.windows = self.struck = self.cut = 0
        self.most_cycles = 0  # of one nozzle in any second
        self.air = 0.0  # seconds of air of all nozzles
        self._until: dict[int, float] = {}  # when the last air of each nozzle ends
        self._begun = math.inf  # when the first air of all begins
        self._openings: dict[int, deque[float]] = {}  # of each nozzle, in the second before its last one
        self._blown, self._width, self._length = 0, 0, 0

    def blow(self, width: int, length: int) -> None:
        """Take the box of a particle for which some nozzle blows, columns and lines."""
        self._blown, self._width, self._length = self._blown + 1, self._width + width, self._length + length

    def add(self, due: Due) -> None:
        """Take what a schedule gave out."""
        self.windows += len(due.windows)
        self.struck += len(due.struck)
        self.cut += len(due.cut)
        for window in due.windows:
            begin, end = air(window.open, window.close, self.schedule.plant)
            nozzle = window.nozzle
            self.air += max(end - max(begin, self._until.get(nozzle, begin)), 0.0)  # it may still close from before
            self._until[nozzle], self._begun = max(end, self._until.get(nozzle, end)), min(self._begun, begin)
            openings = self._openings.setdefault(nozzle, deque())
            openings.append(window.open)
            while openings[0] <= window.open - 1:
                openings.popleft()
            self.most_cycles = max(self.most_cycles, len(openings))

    def figures(self, lines: int, columns: int) -> dict[str, Any]:
        """Return the figures for a belt of so many lines, in scans of so many columns; None for what is not known."""
        plant, schedule = self.schedule.plant, self.schedule
        # a short belt is gone before the air that was meant for it
        seconds = max(lines / plant.line_rate, max(self._until.values(), default=0.0) - self._begun)
        return {
            **{"blown": schedule.blown, "kept": schedule.kept, "struck": self.struck},
            **{"late": schedule.late, "unreached": schedule.unreached, "cut": self.cut},
            **{"windows": self.windows, "most_cycles": self.most_cycles},
            "beside": plant.nozzles - plant.over(columns) if lines else None,
            "air_share": round(self.air / (seconds * plant.nozzles), 5) if lines else None,
            **self._expected(plant, lines, columns),
        }

    def _expected(self, plant: Ejectors, lines: int, columns: int) -> dict[str, float | None]:
        found: dict[str, float | None] = {"kappa": None, "recovery": None, "rejection": None}
        if not lines:
            return found
        kappa = 0.0
        if self._blown:
            size = self._width * plant.pixel / self._blown, self._length * plant.line_pitch / self._blown
            width = min(plant.over(columns) * plant.nozzle_pitch, columns * plant.pixel)
            area = lines * plant.line_pitch * width  # mm2 of belt that passes nozzles
            kappa = co_deflection(self._blown / area * 1e6, *size, plant)
        found["kappa"] = round(kappa, 5)
        if plant.true_ore_rate is not None and plant.false_ore_rate is not None:
            hit = plant.direct_hit * self._aimed
            rates = expected(plant.true_ore_rate, plant.false_ore_rate, hit, kappa, plant.blown)
            found |= {"recovery": round(rates.recovery, 5), "rejection": round(rates.rejection, 5)}
        return found

    @property
    def _aimed(self) -> float:
        """Share of the particles to be blown out for which all their nozzles blow, long enough."""
        schedule = self.schedule
        missed = schedule.late + schedule.unreached + self.cut
        return max(1 - missed / schedule.blown, 0.0) if schedule.blown else 1.0
