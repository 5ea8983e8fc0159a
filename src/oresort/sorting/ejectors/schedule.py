"""The row of nozzles while the belt runs: decisions in, commands for the valves out, and what else they hit."""

import math
from collections import deque
from typing import NamedTuple

from oresort.sorting.ejectors.settings import Ejectors
from oresort.sorting.ejectors.shots import Profile, Shot, air, passage, passing, times
from oresort.sorting.ejectors.valve import Command, Valve, Window

_REMEMBERED = 5.0  # seconds of air that particles which are decided late are compared with
_OVERLAP = 1e-9  # seconds that are no overlap


class Due(NamedTuple):
    """What has come to be certain: each list by time."""

    commands: list[Command]  # to be done, each before its time
    windows: list[Window]  # whose end is told
    struck: list[int]  # numbers of kept particles that met the air meant for others
    cut: list[int]  # numbers of blown ones for which a valve's longest pulse did not last, each told once


class _Kept(NamedTuple):
    particle: int
    nozzles: list[int]
    start: list[float]  # when it is over each of them
    stop: list[float]
    gone: float  # when it is over none any more


class Schedule:
    """Takes decided particles in any order and gives out what the valves are to do; memory does not grow."""

    def __init__(self, plant: Ejectors) -> None:
        self.plant = plant
        self.blown = self.kept = self.late = self.unreached = 0  # particles so far; the last two are of those blown
        self._valves: dict[int, Valve] = {}
        self._air: dict[int, deque[tuple[float, float]]] = {}  # of each nozzle, by time
        self._passing: list[_Kept] = []
        self._cut = set[int]()  # that were told, and some valve has still to blow for
        self._now = -math.inf

    def add(self, particle: int, rows: Profile, x: int, y: int, blown: bool, now: float) -> bool:
        """Take one particle, decided at `now`, and return whether some nozzle blows for it.

        A particle of which some nozzle would have to open sooner than it can is `late` and is not blown at all. One
        that some columns of lie beside all nozzles is `unreached`; what nozzles there are blow for it. None is both.

        Args:
            particle: its number.
            rows: `profile` of its mask.
            x: first column of its box, from the scan's first.
            y: first line, from the belt's first.
            blown: whether it is to be blown out, as `plant.blown` says.
            now: when it is decided, on the line clock.
        """
        if not blown:
            self.kept += 1
            passed = passage(rows, x, y, self.plant)
            start, stop = passing(passed, self.plant)
            if stop:
                self._passing.append(_Kept(particle, passed.nozzles, start, stop, max(stop)))
            return False
        self.blown += 1
        passed = passage(rows, x, y, self.plant, self.plant.dilation)
        opened, closed = times(passed, self.plant)
        shots = [
            (self._valve(nozzle), Shot(start, stop, particle))
            for nozzle, start, stop in zip(passed.nozzles, opened, closed, strict=True)
        ]
        now = max(now, self._now)  # what was given out then stands
        if not all(valve.takes(shot.open, now) for valve, shot in shots):
            self.late += 1
            return False
        self.unreached += not passed.reached
        for valve, shot in shots:
            valve.add(shot)
        return bool(shots)

    def due(self, now: float) -> Due:
        """Return all that is certain once the line clock says `now`.

        Commands are those that the valves' control must have by now: `lead` before their time. Call it at least as
        often as lines are worked on.
        """
        self._now = now = max(now, self._now)
        commands, windows, cut = list[Command](), list[Window](), set[int]()
        for nozzle, valve in self._valves.items():
            for found in valve.due(now):
                if isinstance(found, Command):
                    commands.append(found)
                elif isinstance(found, Window):
                    windows.append(found)
                    self._blew(nozzle, *air(found.open, found.close, self.plant))
                else:
                    cut.add(found.particle)
        struck = self._struck(now)
        known, self._cut = self._cut, self._cut | cut
        if self._cut:
            windows_to_come = (window for valve in self._valves.values() for window in valve.pending)
            self._cut &= {shot.particle for window in windows_to_come for shot in window.shots}
        return Due(sorted(commands), sorted(windows, key=lambda w: (w.close, w.nozzle)), struck, sorted(cut - known))

    def end(self) -> Due:
        """Return all that is left where the belt ends, and begin anew with what comes."""
        due = self.due(math.inf)
        self._valves, self._air, self._passing, self._now = {}, {}, [], -math.inf
        return due

    def _valve(self, nozzle: int) -> Valve:
        if nozzle not in self._valves:
            self._valves[nozzle] = Valve(nozzle, self.plant)
        return self._valves[nozzle]

    def _blew(self, nozzle: int, begin: float, end: float) -> None:
        spans = self._air.setdefault(nozzle, deque())
        spans.append((begin, end))
        while spans[0][1] < begin - _REMEMBERED:
            spans.popleft()

    def _struck(self, now: float) -> list[int]:
        # what is blown for later has its air after now, so that over those who are gone all is known
        gone = [kept for kept in self._passing if kept.gone <= now]
        if not gone:
            return []
        self._passing = [kept for kept in self._passing if kept.gone > now]
        return sorted(kept.particle for kept in gone if self._met(kept))

    def _met(self, kept: _Kept) -> bool:
        for nozzle, start, stop in zip(kept.nozzles, kept.start, kept.stop, strict=True):
            known = list(self._air.get(nozzle, ()))
            if nozzle in self._valves:
                known += [air(w.open, w.close, self.plant) for w in self._valves[nozzle].pending if w.begun]
            if any(start < end - _OVERLAP and stop > begin + _OVERLAP for begin, end in known):
                return True
        return False
