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


class Meter:
    """Counts lines and decisions, and how late these were."""

    def __init__(self) -> None:
        self.lines = self.particles = self.kept = self.late = 0
        self.worst = 0.0  # seconds
        self._times = deque[tuple[float, int, int]]([(time.perf_counter(), 0, 0)])
        self._recent = np.zeros(_RECENT)
        self._all = np.zeros(len(_EDGES) + 1, np.int64)

    def add_lines(self, count: int) -> None:
        """Count lines that were cut."""
        self.lines += count
        now = time.perf_counter()
        if now - self._times[-1][0] > _WINDOW / 100:
            self._times.append((now, self.lines, self.particles))
            while now - self._times[0][0] > _WINDOW:
                self._times.popleft()

    def add_decisions(self, delays: NDArray[np.float64], kept: int, late: int) -> None:
        """Count decisions by their delays (N,) in seconds, of which some were kept, and some came too late."""
        places = (self.particles + np.arange(len(delays))) % _RECENT
        self._recent[places] = delays
        np.add.at(self._all, np.searchsorted(_EDGES, delays), 1)
        self.particles, self.kept, self.late = self.particles + len(delays), self.kept + kept, self.late + late
        self.worst = max(self.worst, float(delays.max(initial=0.0)))

    def rates(self, waiting: int) -> Rates:
        """Return how it goes, while so many lines wait."""
        since, lines, particles = self._times[0]
        seconds = max(time.perf_counter() - since, 1e-9)
        known = self._recent[: self.particles]
        half, most = (1_000 * np.percentile(known, [50, 99])).tolist() if len(known) else (math.nan, math.nan)
        pace = (self.lines - lines) / seconds, (self.particles - particles) / seconds
        return Rates(self.lines, self.particles, self.kept, *pace, half, most, waiting, self.late)

    def delay(self, share: float) -> float | None:
        """Return the delay in seconds that that share of all decisions kept to, to 1.6 %; None before the first."""
        if not self.particles:
            return None
        place = int(np.searchsorted(np.cumsum(self._all), share * self._all.sum()))
        return float(_EDGES[min(place, len(_EDGES) - 1)])
