"""The bytes of one sender, in order; whoever waits for them hears of silence and can be told to stop."""

import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress

_TICK = 0.1  # seconds at most between two looks at whether to go on waiting
_AT_ONCE = 2**18  # bytes of which the last one is awaited: a frame comes in pieces, of which each would wake the reader


class EndedError(Exception):
    """No more lines are wanted: a signal came, or nothing has come for as long as the user allows."""


class GoneError(Exception):
    """The sender is gone; `missing` of the bytes that were awaited did not come, all of them if `clean`."""

    def __init__(self, missing: int, clean: bool) -> None:
        super().__init__(missing)
        self.missing, self.clean = missing, clean


class Wire:
    """Reads a file descriptor, or a socket; `tick` is called with the seconds of silence ten times a second.

    `tick` may raise, and ends the reading so.

    `came` is the time (`time.perf_counter`) at which the last bytes came.
    """

    def __init__(self, source: int | socket.socket, tick: Callable[[float], None]) -> None:
        self._socket = source if isinstance(source, socket.socket) else None
        self._handle = source.fileno() if isinstance(source, socket.socket) else source
        self._tick, self._least = tick, 0
        self._poll = select.poll()
        self._poll.register(self._handle, select.POLLIN)
        self.came = self._told = time.perf_counter()

    def fill(self, place: memoryview) -> None:
        """Fill `place` with the next bytes.

        Raises:
            GoneError: the sender closed, or broke off, before that.
        """
        begun = 0
        while begun < len(place):
            self._wait(len(place) - begun)
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

    def _wait(self, size: int) -> None:
        """Wait for so many bytes, or for those that have come until the next tick: who sends few is not silent."""
        self._await(size)
        while True:
            ready = self._poll.poll(1000 * max(self._told + _TICK - time.perf_counter(), 0))
            now = time.perf_counter()
            if not ready or now - self._told >= _TICK:
                self._tick(0.0 if ready else now - self.came)
                self._told = now
            if ready:
                return
            self._await(1)

    def _await(self, size: int) -> None:
        """Have the system say that the socket is ready once so many bytes are there, or its end, where it can."""
        least = min(size, _AT_ONCE)
        if self._socket is not None and least != self._least:
            self._least = least
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)
