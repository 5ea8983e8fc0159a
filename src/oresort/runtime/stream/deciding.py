"""What was decided on particles, counted and told to all who look on."""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oresort.runtime.observer import Observer
from oresort.runtime.stream.cutting import Worked
from oresort.runtime.stream.group import Group, Made
from oresort.runtime.stream.meter import Meter
from oresort.runtime.told import Told
from oresort.scan.segment.particle import FLAGS
from oresort.sorting.decision import Decision
from oresort.sorting.drift import Compared, PairFigures, compare
from oresort.sorting.table import Placed

_RECENT = 2_000  # particles whose looks are compared with training
_ROW = 20  # particles one after the other, of which most may be faulty by no chance
_NO_MASK = np.empty((0, 0), np.bool_)


class Deciding:
    """Takes the decisions on particles in the order in which they end, each once.

    Args:
        observers: are told of lines and decisions.
        told: counts what is decided since this process began.
    """

    def __init__(self, observers: Sequence[Observer], told: Told) -> None:
        self.told, self._observers = told, observers
        self.meter = Meter()
        self.counts = Counter[str](dict.fromkeys(FLAGS, 0))  # by decision, flag and policy
        self.lines = 0  # decided on
        self.came: Callable[[], int] = lambda: self.lines  # lines that have come, those that wait included
        self._row = deque[bool](maxlen=_ROW)  # the last particles: faulty or not
        self._faulty = 0  # in the worst row since it was asked
        self._recent = deque[tuple[PairFigures, np.float32]](maxlen=_RECENT)  # those that were classified

    def take(self, worked: Worked, made: Made | None) -> list[Placed]:
        """Return the decisions on what some lines gave, where each belongs; `made` of its group."""
        for low in worked.low:
            self.lines += len(low)
            self.meter.add_lines(len(low))
            for observer in self._observers:
                observer.lines(low)
        if worked.group is None or made is None:
            return []
        return self._take(worked, worked.group, made)

    def drift(self, seen: Mapping[str, Any], scan: Mapping[str, Any]) -> list[Compared]:
        """Return how the last particles look beside those of training, see `compare`; `scan` as it takes it."""
        recent = list(self._recent)
        return compare(seen, scan, [figures for figures, _ in recent], np.array([p for _, p in recent], np.float32))

    def faulty(self) -> str:
        """Return an alarm where most particles of a row were faulty since this was asked last, or nothing."""
        most, self._faulty = self._faulty, 0
        if 2 * most <= _ROW:
            return ""
        return f"{most} of {_ROW} particles in a row are faulty; see whether the layers belong together"

    def _take(self, worked: Worked, group: Group, made: Made) -> list[Placed]:
        places = [worked.placed(row.particle) for row in made.decisions]
        decisions = [
            row if place.line == row.particle.y else row._replace(particle=replace(row.particle, y=place.line))
            for place, row in zip(places, made.decisions, strict=True)
        ]
        self._count([group.arrivals.of(row.particle) for row in made.decisions], decisions, made.late, worked.came)
        for observer in self._observers:
            observer.decided(decisions, self.came())
        # masks are large, and nobody writes them
        slim = (row._replace(particle=replace(row.particle, mask=_NO_MASK)) for row in decisions)
        placed = [Placed(place.scan, place.y, row) for place, row in zip(places, slim, strict=True)]
        for row in placed:
            self.told.add(row.scan, row.made, row.y)
        return placed

    def _count(self, arrived: list[float], decisions: list[Decision], late: int, came: float) -> None:
        """Count decisions on particles whose last lines `arrived`, and the last line of all that were needed `came`."""
        now = time.perf_counter()
        kept = sum(row.decision == "ore" for row in decisions)
        self.meter.add_decisions([now - then for then in arrived], now - came, kept, late)
        for row in decisions:
            self.counts[row.decision] += 1
            if row.reason != "threshold":
                self.counts[row.reason] += 1
            for flag in row.flags:  # most have none
                self.counts[flag] += 1
            self._row.append(row.particle.faulty)
            self._faulty = max(self._faulty, sum(self._row))
            if not math.isnan(row.p_ore):
                self._recent.append((row.figures, row.p_ore))
