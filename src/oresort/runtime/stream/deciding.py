"""What is decided on particles that were cut, in time or late, and told to all who look on."""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from oresort.runtime.observer import Observer
from oresort.runtime.stream.cutting import Found, Worked
from oresort.runtime.stream.meter import Meter
from oresort.runtime.told import Told
from oresort.scan.segment.particle import FLAGS
from oresort.sorting.decision import Decision
from oresort.sorting.drift import Compared, PairFigures, compare
from oresort.sorting.table import Placed

_RECENT = 2_000  # particles whose looks are compared with training
_NO_MASK = np.empty((0, 0), np.bool_)


class Lateness(NamedTuple):
    """What is done with particles that there is no time left to classify."""

    deadline: float  # seconds after a particle's last line
    word: str  # keep or drop


class Deciding:
    """Decides on particles in the order in which they end, each once.

    Args:
        observers: are told of lines and decisions.
        lateness: for a belt that does not wait; None: every particle is classified.
        over: columns of particles that an earlier process decided on, and of which the first line shows the rest.
        told: counts what is decided since this process began.
    """

    def __init__(
        self, observers: Sequence[Observer], lateness: Lateness | None, over: Sequence[Sequence[int]], told: Told
    ) -> None:
        self.told = told
        self._observers, self._lateness, self._over = observers, lateness, over
        self.meter = Meter()
        self.counts = Counter[str]()  # by decision, flag and policy
        self.lines = 0  # decided on
        self.ahead: Callable[[], int] = lambda: 0  # lines that have come beyond those
        self._recent = deque[tuple[PairFigures, np.float32]](maxlen=_RECENT)  # those that were classified

    def take(self, worked: Worked) -> list[Placed]:
        """Return the decisions on what some lines gave."""
        self.lines += len(worked.low)
        self.meter.add_lines(len(worked.low))
        for observer in self._observers:
            if len(worked.low):
                observer.lines(worked.low)
        placed: list[Placed] = []
        for group in worked.found:
            placed += self._decide(worked, [found for found in group if not self._was_decided(found)])
        return placed

    def drift(self, seen: Mapping[str, Any], scan: Mapping[str, Any]) -> list[Compared]:
        """Return how the last particles look beside those of training, see `compare`; `scan` as it takes it."""
        recent = list(self._recent)
        return compare(seen, scan, [figures for figures, _ in recent], np.array([p for _, p in recent], np.float32))

    def _decide(self, worked: Worked, group: list[Found]) -> list[Placed]:
        made = dict[int, Decision]()
        late = self._late(group)
        for wanted in (False, True):
            places = [k for k in range(len(group)) if late[k] == wanted]
            cuts = [group[k].cut for k in places]
            if cuts and wanted and self._lateness is not None:
                decisions = worked.sorter.pass_over(cuts, self._lateness.word)
            else:
                decisions = worked.sorter.decide(cuts)
            made |= dict(zip(places, decisions, strict=True))
        decisions = [made[k] for k in range(len(group))]
        if not decisions:
            return []
        self._count(group, decisions, sum(late), worked.came)
        for observer in self._observers:
            observer.decided(decisions, self.lines + self.ahead())
        # masks are large, and nobody writes them
        slim = (row._replace(particle=replace(row.particle, mask=_NO_MASK)) for row in decisions)
        placed = [Placed(found.scan, found.y, row) for found, row in zip(group, slim, strict=True)]
        for row in placed:
            self.told.add(row.scan, row.made)
        return placed

    def _late(self, group: list[Found]) -> list[bool]:
        if self._lateness is None:
            return [False] * len(group)
        now = time.perf_counter()
        return [now - found.came > self._lateness.deadline for found in group]

    def _was_decided(self, found: Found) -> bool:
        particle = found.cut.particle
        if particle.y > 0 or not self._over:
            return False
        return any(left < particle.x + particle.w and particle.x < right for left, right in self._over)

    def _count(self, group: list[Found], decisions: list[Decision], late: int, came: float) -> None:
        now = time.perf_counter()
        delays, computing = now - np.array([found.came for found in group]), np.full(len(group), now - came)
        self.meter.add_decisions(delays, computing, sum(row.decision == "ore" for row in decisions), late)
        for row in decisions:
            self.counts[row.decision] += 1
            if row.reason != "threshold":
                self.counts[row.reason] += 1
            for flag in FLAGS:
                self.counts[flag] += getattr(row.particle, flag)
            if not np.isnan(row.p_ore):
                self._recent.append((row.figures, row.p_ore))
