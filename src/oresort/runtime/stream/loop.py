"""Reading, cutting and deciding side by side: three threads, with what waits between them bounded."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

from oresort.runtime.source.event import Block, Event
from oresort.runtime.stream.cutting import Cutting, Item, Worked
from oresort.runtime.stream.waiting import ClosedError, Waiting

_TICK = 0.2  # seconds after which the caller has a word where nothing comes
_FAULTS = 1.0  # seconds between two looks at what is faulty


class _Ended(NamedTuple):
    """A thread came to its end, by an error or without."""

    error: BaseException | None


class Loop:
    """Reads and cuts ahead of the caller, who decides.

    Where deciding is slower than lines come, lines wait: `most` that were read, and as many that are cut. Then the
    source is read no further.

    Args:
        events: the source.
        cutting: cuts.
        most: lines that wait.
        stop: tells the source to end; set when the caller takes no more.
    """

    def __init__(self, events: Iterator[Event], cutting: Cutting, most: int, stop: threading.Event) -> None:
        self._events, self._cutting, self._stop = events, cutting, stop
        self._read = Waiting[Event | _Ended](most)
        self._cut = Waiting[Item | _Ended](most)

    @property
    def waiting(self) -> int:
        """Lines that were read and not decided on."""
        return self._read.lines + self._cut.lines

    @property
    def held_back(self) -> int:
        """How often the source had to wait."""
        return self._read.full

    def items(self) -> Generator[Item | None]:
        """Yield what was cut, in order, and None at least five times a second where nothing comes.

        Raises:
            InputError: of the source or of the cutter, once all that came before is cut and was yielded.
        """
        work: tuple[Callable[[], Any], ...] = (self._reading, self._cutting_up)
        threads = [threading.Thread(target=each, name=each.__name__, daemon=True) for each in work]
        for thread in threads:
            thread.start()
        try:
            while True:
                item = self._cut.take(_TICK)
                if isinstance(item, _Ended):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            self._stop.set()
            self._read.close()
            self._cut.close()
            for thread in threads:
                thread.join()

    def _reading(self) -> None:
        error: BaseException | None = None
        try:
            for event in self._events:
                self._read.put(event, len(event.low) if isinstance(event, Block) else 0)
        except ClosedError:
            return
        except BaseException as raised:
            error = raised
        self._end(self._read, error)

    def _cutting_up(self) -> None:
        error: BaseException | None = None
        looked = time.monotonic()
        try:
            while True:
                event = self._read.take()
                if event is None:
                    continue
                if isinstance(event, _Ended):
                    error = event.error
                    break
                for item in self._cutting.take(event):
                    self._cut.put(item, len(item.low) if isinstance(item, Worked) else 0)
                if time.monotonic() - looked > _FAULTS:
                    looked = time.monotonic()
                    self._tell_faults()
            for item in self._cutting.cut_off():
                self._cut.put(item)
            self._tell_faults()
        except ClosedError:
            return
        except BaseException as raised:
            error = raised
        self._end(self._cut, error)

    def _tell_faults(self) -> None:
        if (faults := self._cutting.faults()) is not None:
            self._cut.put(faults)

    @staticmethod
    def _end(waiting: Waiting[Any], error: BaseException | None) -> None:
        try:
            waiting.put(_Ended(error))
        except ClosedError:
            return
