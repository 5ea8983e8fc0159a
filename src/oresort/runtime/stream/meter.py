"""Rates and delays of a stream, in memory that does not grow."""

import math
import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from oresort.runtime.observer import Rates

_WINDOW = 10.0  # seconds over which rates are taken
_RECENT = 4_096  # delays of which percentiles are shown
_EDGES = np.geomspace(1e-4, 1e3, 1_000)  # seconds, in steps of 1.6 %: delays of the whole run by how often


class Spread:
    """Times in seconds, by how often they were; 8 kB however many."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._counts = np.zeros(len(_EDGES) + 1, np.int64)

    def add(self, seconds: NDArray[np.float64]) -> None:
        """Count times (N,)."""
        np.add.at(self._counts, np.searchsorted(_EDGES, seconds), 1)
        self.worst = max(self.worst, float(seconds.max(initial=0.0)))

    def within(self, share: float) -> float | None:
        """Return the seconds that that share of all times kept to, to 1.6 %; None before the first."""
        total = self._counts.sum()
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), share * total))
        return min(float(_EDGES[min(place, len(_EDGES) - 1)]), self.worst)


class Meter:
    """Counts lines and decisions, and how late these were.

    `delays` are from a particle's last line to its decision; `alone` are those of particles that touched no other one,
    and so waited for none. The computer's share is `computing`: from the last line that the decision needs; until that
    has come, the belt has to move on.
    """

    def __init__(self) -> None:
        self.lines = self.particles = self.kept = self.late = 0
        self.delays, self.alone, self.computing = Spread(), Spread(), Spread()
        self._times = deque[tuple[float, int, int]]([(time.perf_counter(), 0, 0)])
        self._recent = np.zeros(_RECENT)

    def add_lines(self, count: int) -> None:
        """Count lines that were cut."""
        self.lines += count
        now = time.perf_counter()
        if now - self._times[-1][0] > _WINDOW / 100:
            self._times.append((now, self.lines, self.particles))
            while now - self._times[0][0] > _WINDOW:
                self._times.popleft()

    def add_decisions(
        self, delays: NDArray[np.float64], parted: NDArray[np.bool_], computing: float, kept: int, late: int
    ) -> None:
        """Count decisions by both times in seconds, `delays` (N,), of which some were kept, and some came too late.

        `parted` (N,) are particles that touched another one.
        """
        places = (self.particles + np.arange(len(delays))) % _RECENT
        self._recent[places] = delays
        self.delays.add(delays)
        self.alone.add(delays[~parted])
        self.computing.add(np.full(len(delays), computing))
        self.particles, self.kept, self.late = self.particles + len(delays), self.kept + kept, self.late + late

    def rates(self, waiting: int) -> Rates:
        """Return how it goes, while so many lines wait."""
        since, lines, particles = self._times[0]
        seconds = max(time.perf_counter() - since, 1e-9)
        known = self._recent[: self.particles]
        half, most = (1_000 * np.percentile(known, [50, 99])).tolist() if len(known) else (math.nan, math.nan)
        pace = (self.lines - lines) / seconds, (self.particles - particles) / seconds
        return Rates(self.lines, self.particles, self.kept, *pace, half, most, waiting, self.late)
