"""Reading beside cutting and deciding: one thread more, with what waits for the other bounded."""

import threading
import time
from collections.abc import Generator, Iterator
from typing import NamedTuple

from oresort.runtime.source.event import Block, Event
from oresort.runtime.stream.cutting import Cutting, Item
from oresort.runtime.stream.waiting import ClosedError, Waiting

_TICK = 0.2  # seconds after which the caller has a word where nothing comes
_FAULTS = 1.0  # seconds between two looks at what is faulty


class _Ended(NamedTuple):
    """The source came to its end, by an error or without."""

    error: BaseException | None


class Loop:
    """Reads ahead of the caller, in whose thread lines are cut and decided on.

    A thread for each of these would be slower: both are many short calls, which take turns at the interpreter anyhow.
    Where they are slower than lines come, `most` lines wait; then the source is read no further.

    Args:
        events: the source.
        cutting: cuts.
        most: lines that wait.
        stop: tells the source to end; set when the caller takes no more.
    """

    def __init__(self, events: Iterator[Event], cutting: Cutting, most: int, stop: threading.Event) -> None:
        self._events, self._cutting, self._stop = events, cutting, stop
        self._read = Waiting[Event | _Ended](most)

    @property
    def waiting(self) -> int:
        """Lines that were read and are not cut."""
        return self._read.lines

    @property
    def held_back(self) -> int:
        """How often the source had to wait."""
        return self._read.full

    def items(self) -> Generator[Item | None]:
        """Yield what was cut, in order, and None at least five times a second where nothing comes.

        Raises:
            InputError: of the source, once all that came before is cut and was yielded, or of the cutter.
        """
        thread = threading.Thread(target=self._reading, name="reading", daemon=True)
        thread.start()
        try:
            yield from self._cut()
        finally:
            self._stop.set()
            self._read.close()
            thread.join()

    def _cut(self) -> Generator[Item | None]:
        looked = time.monotonic()
        while not isinstance(event := self._read.take(_TICK), _Ended):
            if event is None:
                yield None
                continue
            yield from self._cutting.take(event)
            if time.monotonic() - looked > _FAULTS:
                looked = time.monotonic()
                yield self._cutting.faults()
        yield from self._cutting.cut_off()
        yield self._cutting.faults()
        if event.error is not None:
            raise event.error

    def _reading(self) -> None:
        error: BaseException | None = None
        try:
            for event in self._events:
                self._read.put(event, len(event.low) if isinstance(event, Block) else 0)
        except ClosedError:
            return
        except BaseException as raised:
            error = raised
        try:
            self._read.put(_Ended(error))
        except ClosedError:
            return
