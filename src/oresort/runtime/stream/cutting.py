"""Lines of the belt in, regions of it out, with what tells where and when their particles came."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.runtime.sorter import Sorter
from oresort.runtime.source.event import Block, Calibrated, Done, Event, Piece
from oresort.runtime.stream.group import Arrivals, Group
from oresort.scan.calibrate.air import strayed
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.held import Held
from oresort.scan.fault import Fault, joined
from oresort.scan.segment.particle import Particle

_LONGEST = 4_096  # lines for which it is known when they came: longer than any particle
_TOLD = 64  # lines that are told at once where nothing is found on them: whoever is told of a few is woken each time
_MOST_FAULTS = 2_000  # of pieces of belt that are gone


class Place(NamedTuple):
    """Where a particle belongs."""

    line: int  # first line, from the first of the stream
    scan: str  # in which it begins
    y: int  # first line, in that scan's own count


class Begun(NamedTuple):
    """A scan begins."""

    piece: Piece
    line: int  # of the stream


class Worked(NamedTuple):
    """What some lines gave."""

    sorter: Sorter  # that decides on it
    low: tuple[NDArray[np.uint16], ...]  # (n, W) each, the lines, of which those before may be told with them
    group: Group | None  # of regions that became known together
    settled: int  # line of the stream before which no undecided particle begins
    came: float  # time.perf_counter() at which the last of the lines was here
    base: int  # line of the stream at which the belt begins
    scans: tuple[Begun, ...]  # in which a particle may begin

    @property
    def lines(self) -> int:
        """How many lines it tells."""
        return sum(map(len, self.low))

    def placed(self, particle: Particle) -> Place:
        """Return where a particle of a group belongs."""
        line = particle.y + self.base
        scan = next(begun for begun in reversed(self.scans) if begun.line <= line)
        return Place(line, scan.piece.name, line - scan.line + scan.piece.first)


class CutOff(NamedTuple):
    """The belt ends here, and all its particles are cut."""


class Air(NamedTuple):
    """How air has strayed of late."""

    words: dict[str, str]  # of a layer; none of one that is steady


Item = Calibrated | Begun | Done | Worked | CutOff | Air | list[Fault]


class Cutting:
    """Cuts one piece of belt after the other; lines are numbered through, from the first of the stream.

    Args:
        begin: makes the sorter of a piece.
        over: columns of particles that an earlier process decided on, and of which the first line shows the rest.
    """

    def __init__(self, begin: Callable[[Calibration], Sorter], over: Sequence[Sequence[int]] = ()) -> None:
        self._begin, self._over = begin, over
        self._calibration: Calibration | None = None
        self._sorter: Sorter | None = None
        self._base = 0  # line of the stream at which the present belt begins
        self._end = 0  # lines that came
        self._scans = deque[Begun]()  # of lines that may still begin a particle
        self._times = deque[tuple[int, float]]()  # end of a block, and when it came
        self._untold: list[NDArray[np.uint16]] = []  # lines that gave nothing so far
        self._old: list[Fault] = []  # of belts that are gone
        self._noted = 0
        self._swings: list[list[tuple[float, float]]] = []  # of belts that are gone since it was asked
        self._air = Air({})
        self.lost = 0  # lines of belts that are gone

    def take(self, event: Event) -> Iterator[Item]:
        """Yield what an event gives; InputError as `Sorter`."""
        if isinstance(event, Block):
            yield from self._push(event)
            return
        yield from self.rest()
        if isinstance(event, Calibrated):
            yield from self.cut_off()
            self._calibration = event.calibration
            yield event
        elif isinstance(event, Piece):
            begun = Begun(event, self._end)
            self._scans.append(begun)
            yield begun
        elif isinstance(event, Done):
            yield event
        else:
            yield from self.cut_off()

    def rest(self) -> Iterator[Worked]:
        """Yield the lines that were sorted and are not told yet."""
        if self._untold and self._sorter is not None:
            yield self._worked(self._sorter, (), self._base + self._sorter.settled, time.perf_counter())

    def cut_off(self) -> Iterator[Item]:
        """Yield the particles that are open where the belt is cut."""
        yield from self.rest()
        sorter = self._sorter
        if sorter is None:
            return
        found = sorter.find_last()
        self._old = joined([*self._old, *self._own(sorter)])[-_MOST_FAULTS:]
        self.lost += sorter.lines_lost
        self._swings.append(sorter.swing())
        self._sorter = None
        # that the belt ends is known now
        yield self._worked(sorter, found, self._end, time.perf_counter())
        yield CutOff()

    @property
    def lines_lost(self) -> int:
        """Lines that showed nothing true, so far."""
        sorter = self._sorter  # another thread may ask
        return self.lost + (sorter.lines_lost if sorter else 0)

    def faults(self) -> list[Fault] | None:
        """Return all faults so far, by place, if there are more than when it was asked last."""
        noted = len(self._old) + (self._sorter.noted if self._sorter else 0)
        if noted == self._noted:
            return None
        self._noted = noted
        return joined([*self._old, *(self._own(self._sorter) if self._sorter else ())])

    def air(self) -> Air | None:
        """Return how air has strayed since this was asked last, if that is something else than it was then."""
        swings, self._swings = self._swings, []
        if self._sorter:
            swings.append(self._sorter.swing())
        words = {}
        for name, own in zip(("low", "high"), zip(*swings, strict=True), strict=False):
            least, most = min(fell for fell, _ in own), max(rose for _, rose in own)
            if told := strayed(least, most, "what the calibration knew"):
                words[name] = f"air of the {name} layer {told}"
        if words == self._air.words:
            return None
        self._air = Air(words)
        return self._air

    def _push(self, block: Block) -> Iterator[Worked]:
        if self._sorter is None:
            if self._calibration is None:
                raise InputError("lines came before their calibration")
            self._sorter, self._base = self._begin(self._calibration), self._end
        sorter = self._sorter
        self._end += len(block.low)
        self._times.append((self._end, block.came))
        while self._times[0][0] < self._end - _LONGEST:
            self._times.popleft()
        self._untold.append(block.low)
        for group in sorter.find(block.low, block.high):
            yield self._worked(sorter, group, self._base + sorter.settled, block.came)
        settled = self._base + sorter.settled
        if sum(map(len, self._untold)) >= _TOLD:
            yield from self.rest()
        while len(self._scans) > 1 and self._scans[1].line <= settled:
            self._scans.popleft()

    def _worked(self, sorter: Sorter, found: Sequence[Held], settled: int, came: float) -> Worked:
        low, self._untold = tuple(self._untold), []
        if not found:
            return Worked(sorter, low, None, settled, came, self._base, ())
        first = self._base + min(held.region.y for held in found)
        times = list(takewhile(lambda time: time[0] > first, reversed(self._times)))[::-1]
        arrivals = Arrivals([end - self._base for end, _ in times], [time for _, time in times])
        group = Group(found, arrivals, () if self._base else self._over)
        return Worked(sorter, low, group, settled, came, self._base, tuple(self._scans))

    def _own(self, sorter: Sorter) -> list[Fault]:
        """Return the present belt's faults, by the stream's lines; columns that a calibration knows have none."""
        return [
            fault
            if fault.lines is None
            else replace(fault, lines=slice(fault.lines.start + self._base, fault.lines.stop + self._base))
            for fault in sorter.faults
        ]
