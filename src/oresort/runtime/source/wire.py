"""The bytes of one sender, in order; whoever waits for them hears of silence and can be told to stop."""

import os
import select
import time
from collections.abc import Callable

_TICK = 0.1  # seconds at most between two looks at whether to go on waiting


class EndedError(Exception):
    """No more lines are wanted: a signal came, or nothing has come for as long as the user allows."""


class GoneError(Exception):
    """The sender is gone; `missing` of the bytes that were awaited did not come, all of them if `clean`."""

    def __init__(self, missing: int, clean: bool) -> None:
        super().__init__(missing)
        self.missing, self.clean = missing, clean


class Wire:
    """Reads a file descriptor; `tick` is called with the seconds of silence ten times a second, and may raise.

    `came` is the time (`time.perf_counter`) at which the last bytes came.
    """

    def __init__(self, handle: int, tick: Callable[[float], None]) -> None:
        self._handle, self._tick = handle, tick
        self._poll = select.poll()
        self._poll.register(handle, select.POLLIN)
        self.came = self._told = time.perf_counter()

    def fill(self, place: memoryview) -> None:
        """Fill `place` with the next bytes.

        Raises:
            GoneError: the sender closed, or broke off, before that.
        """
        begun = 0
        while begun < len(place):
            self._wait()
            try:
                count = os.readv(self._handle, [place[begun:]])
            except (ConnectionError, TimeoutError):
                count = 0
            if not count:
                raise GoneError(len(place) - begun, clean=begun == 0)
            begun += count
            self.came = time.perf_counter()

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes; raises as `fill`."""
        data = bytearray(size)
        self.fill(memoryview(data))
        return bytes(data)

    def _wait(self) -> None:
        while True:
            ready = self._poll.poll(1000 * max(self._told + _TICK - time.perf_counter(), 0))
            now = time.perf_counter()
            if not ready or now - self._told >= _TICK:
                self._tick(0.0 if ready else now - self.came)
                self._told = now
            if ready:
                return
