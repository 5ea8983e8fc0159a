"""Reading, finding and deciding side by side: what waits for the next is bounded."""

import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeVar

from oresort.runtime.source.event import Block, Calibrated, Done, Event
from oresort.runtime.stream.beside import Beside
from oresort.runtime.stream.cutting import Air, Begun, CutOff, Cutting, Item, Worked
from oresort.runtime.stream.group import Lateness, Made, made_of
from oresort.runtime.stream.waiting import ClosedError, Waiting
from oresort.scan.fault import Fault

T = TypeVar("T")

_TICK = 0.2  # seconds after which the caller has a word where nothing comes
_FAULTS = 1.0  # seconds between two looks at what is faulty
_FOUND = 512  # lines whose particles wait to be decided on in another process


class _Ended(NamedTuple):
    """What came before came to its end, by an error or without."""

    error: BaseException | None


class Decided(NamedTuple):
    """What some lines gave, and what was decided on its group, if it has one."""

    worked: Worked
    made: Made | None


Sorted = Calibrated | Begun | Done | Decided | CutOff | Air | list[Fault]


class Loop:
    """Reads in one thread and finds particles in another, or in the caller's where nobody decides beside it.

    Threads alone do not help: finding and deciding are many short calls, which take turns at the interpreter anyhow.
    Where all of it is slower than lines come, `most` lines wait; then the source is read no further.

    Args:
        events: the source.
        cutting: finds.
        most: lines that wait.
        stop: tells the source to end; set when the caller takes no more.
        workers: processes that decide in turn; none: the caller's thread does.
        lateness: for a belt that does not wait; None: every particle is classified. Processes know theirs.
    """

    def __init__(
        self,
        events: Iterator[Event],
        cutting: Cutting,
        most: int,
        stop: threading.Event,
        workers: Sequence[Beside] = (),
        lateness: Lateness | None = None,
    ) -> None:
        self._events, self._cutting, self._stop = events, cutting, stop
        self._workers, self._lateness = workers, lateness
        self._read = Waiting[Event | _Ended](most)
        self._found = Waiting[Item | _Ended | None](_FOUND)
        self.came = 0  # lines that were read

    @property
    def waiting(self) -> int:
        """Lines that were read and are not sorted."""
        return self._read.lines + self._found.lines

    @property
    def held_back(self) -> int:
        """How often the source had to wait."""
        return self._read.full

    def items(self) -> Generator[Sorted | None]:
        """Yield what was decided, in order, and None at least five times a second where nothing comes.

        Raises:
            InputError: of the source, once all that came before is decided on and was yielded, or of the sorter.
        """
        threads = [self._thread("reading", self._read, self._lines())]
        try:
            if self._workers:
                threads.append(self._thread("finding", self._found, self._questions()))
                yield from self._beside()
            else:
                yield from self._here()
        finally:
            self._stop.set()
            self._read.close()
            self._found.close()
            for worker in self._workers:
                worker.close()  # a thread may wait for it
            for thread in threads:
                thread.join()

    def _thread(self, name: str, place: Waiting[T | _Ended], items: Iterator[tuple[T, int]]) -> threading.Thread:
        """Have items put in their place, each with its lines, and last of all how they came to their end."""

        def work() -> None:
            error: BaseException | None = None
            with suppress(ClosedError):
                try:
                    for item, lines in items:
                        place.put(item, lines)
                except ClosedError:
                    return
                except BaseException as raised:
                    error = raised
                place.put(_Ended(error))

        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread

    def _here(self) -> Iterator[Sorted | None]:
        for item in self._cut():
            if isinstance(item, Worked):
                yield Decided(item, item.group and made_of(item.sorter.decider, item.group, self._lateness))
            else:
                yield item

    def _questions(self) -> Iterator[tuple[Item | None, int]]:
        asked = 0
        for item in self._cut():
            if isinstance(item, Worked) and item.group:
                # before it is told, which wakes a thread that would hold the question up. It is read whole once those
                # before it are answered, and their answers are taken, for they were told
                self._workers[asked % len(self._workers)].ask(item)
                asked += 1
            yield item, item.lines if isinstance(item, Worked) else 0

    def _beside(self) -> Iterator[Sorted | None]:
        answered = 0
        while not isinstance(item := self._found.take(), _Ended):
            if not isinstance(item, Worked):
                yield item
            elif not item.group:
                yield Decided(item, None)
            else:
                made = self._workers[answered % len(self._workers)].answer()
                answered += 1
                yield Decided(item, made)
        if item.error is not None:
            raise item.error

    def _cut(self) -> Iterator[Item | None]:
        looked = time.monotonic()
        while not isinstance(event := self._read.take(_TICK), _Ended):
            if event is None:
                yield from self._cutting.rest()
                yield None
                continue
            yield from self._cutting.take(event)
            if time.monotonic() - looked > _FAULTS:
                looked = time.monotonic()
                yield self._cutting.faults()
                yield self._cutting.air()
        yield from self._cutting.cut_off()
        yield self._cutting.faults()
        yield self._cutting.air()
        if event.error is not None:
            raise event.error

    def _lines(self) -> Iterator[tuple[Event, int]]:
        for event in self._events:
            lines = len(event.low) if isinstance(event, Block) else 0
            self.came += lines
            yield event, lines
