"""Rates and delays of a stream, in memory that does not grow."""

import math
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from oresort.runtime.observer import Rates

_WINDOW = 10.0  # seconds over which rates are taken
_RECENT = 4_096  # delays of which percentiles are shown
_EDGES: list[float] = np.geomspace(1e-4, 1e3, 1_000).tolist()  # seconds, in steps of 1.6 %


class Spread:
    """Times in seconds, by how often they were; 8 kB however many."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._counts = [0] * (len(_EDGES) + 1)

    def add(self, seconds: Iterable[float]) -> None:
        """Count some times."""
        # a few at a time, for which arrays cost ten times as much
        for time_of in seconds:
            self._counts[bisect_left(_EDGES, time_of)] += 1
            self.worst = max(self.worst, time_of)

    def within(self, share: float) -> float | None:
        """Return the seconds that that share of all times kept to, to 1.6 %; None before the first."""
        total = sum(self._counts)
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), share * total))
        return min(_EDGES[min(place, len(_EDGES) - 1)], self.worst)


class Meter:
    """Counts lines and decisions, and how late these were.

    `delays` are from a particle's last line to its decision. The computer's share of them is `computing`: from the last
    line that the decision needs; until that has come, the belt has to move on.
    """

    def __init__(self) -> None:
        self.lines = self.particles = self.kept = self.late = 0
        self.delays, self.computing = Spread(), Spread()
        self._times = deque[tuple[float, int, int]]([(time.perf_counter(), 0, 0)])
        self._recent = deque[float](maxlen=_RECENT)

    def add_lines(self, count: int) -> None:
        """Count lines that were cut."""
        self.lines += count
        now = time.perf_counter()
        if now - self._times[-1][0] > _WINDOW / 100:
            self._times.append((now, self.lines, self.particles))
            while now - self._times[0][0] > _WINDOW:
                self._times.popleft()

    def add_decisions(self, delays: Sequence[float], computing: float, kept: int, late: int) -> None:
        """Count decisions by both times in seconds; of them some were kept, and some came too late."""
        self._recent.extend(delays)
        self.delays.add(delays)
        self.computing.add([computing] * len(delays))
        self.particles, self.kept, self.late = self.particles + len(delays), self.kept + kept, self.late + late

    def rates(self, waiting: int) -> Rates:
        """Return how it goes, while so many lines wait."""
        since, lines, particles = self._times[0]
        seconds = max(time.perf_counter() - since, 1e-9)
        known = 1_000 * np.array(self._recent)
        half, most = np.percentile(known, [50, 99]).tolist() if len(known) else (math.nan, math.nan)
        pace = (self.lines - lines) / seconds, (self.particles - particles) / seconds
        return Rates(self.lines, self.particles, self.kept, *pace, half, most, waiting, self.late)
