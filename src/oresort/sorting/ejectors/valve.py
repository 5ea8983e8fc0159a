"""What one valve is told: shots merged into windows that it can do, given out when they can wait no longer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from oresort.sorting.ejectors.settings import Ejectors
from oresort.sorting.ejectors.shots import Shot

_EXACT = 1e-9  # seconds that rounding may make of nothing


class Window(NamedTuple):
    """A nozzle that is opened and closed once; seconds since the first line began."""

    nozzle: int  # from 0
    open: float
    close: float
    particles: tuple[int, ...]  # for which it blows, by number


class Command(NamedTuple):
    """One switch of a valve, to be done at its time."""

    time: float
    nozzle: int  # from 0
    on: bool


@dataclass
class _Pending:
    open: float
    close: float
    shots: list[Shot]
    begun: bool = False  # its valve was told to open, so that only its end can change


class Valve:
    """Windows of one nozzle that are still to come; they never overlap, and lie a closing time or more apart."""

    def __init__(self, nozzle: int, plant: Ejectors) -> None:
        self.nozzle, self.pending = nozzle, list[_Pending]()
        self._gap, self._lead = plant.gap, plant.lead / 1_000
        self._shortest = plant.shortest_pulse / 1_000
        self._longest = math.inf if plant.longest_pulse is None else plant.longest_pulse / 1_000
        self._shut = -math.inf  # when it was last told to close

    def takes(self, opened: float, now: float) -> bool:
        """Tell whether a shot that begins at `opened` and becomes known at `now` can still be done whole."""
        return now <= opened - self._lead and opened >= self._shut + self._gap

    def add(self, shot: Shot) -> None:
        """Take a shot that `takes` allows; windows that it meets, or leaves too short a gap to, become one with it."""
        made, kept = _Pending(shot.open, shot.close, [shot]), list[_Pending]()
        for window in self.pending:
            if made.open < window.close + self._gap and window.open < made.close + self._gap:
                ends = min(made.open, window.open), max(made.close, window.close)
                made = _Pending(*ends, window.shots + made.shots, made.begun or window.begun)
            else:
                kept.append(window)
        self.pending = sorted([*kept, made], key=lambda window: window.open)

    def due(self, now: float) -> Iterator[Command | Window | Shot]:
        """Yield what can wait no longer: commands before their time, windows whose end is told, shots cut short.

        A window longer than the valve may blow is parted by the shortest gap; shots that reach into the gap, for which
        the particle may not be hit, come out as well.
        """
        while self.pending:
            window = self.pending[0]
            if not window.begun:
                if now < window.open - self._lead:
                    return
                window.begun = True
                yield Command(window.open, self.nozzle, True)
            end = window.open + self._longest
            if end > window.close - _EXACT:
                end = window.close
            if now < end - self._lead:
                return
            del self.pending[0]
            self._shut = end
            yield Command(end, self.nozzle, False)
            here = sorted({shot.particle for shot in window.shots if shot.open < end})
            yield Window(self.nozzle, window.open, end, tuple(here))
            if end < window.close:
                yield from self._rest(window, end)

    def _rest(self, window: _Pending, end: float) -> Iterator[Shot]:
        again = end + self._gap
        yield from (shot for shot in window.shots if shot.open < again and shot.close > end)
        left = [shot for shot in window.shots if shot.close > again]
        if left:
            # its own minimum may reach into the next window
            close = max(window.close, again + self._shortest)
            rest = _Pending(again, close, left)
            while self.pending and self.pending[0].open < rest.close + self._gap:
                after = self.pending.pop(0)
                rest = _Pending(again, max(rest.close, after.close), rest.shots + after.shots)
            self.pending.insert(0, rest)
