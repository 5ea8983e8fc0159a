"""What waits between two threads, of at most so many lines: who puts more in waits as well."""

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class ClosedError(Exception):
    """Nobody takes out any more."""


class Waiting(Generic[T]):
    """First in, first out; holds `most` lines, or one item that is larger by itself."""

    def __init__(self, most: int) -> None:
        self._most, self._items = most, deque[tuple[T, int]]()
        self._changed = threading.Condition()
        self._closed = False
        self.lines = 0  # that wait now
        self.full = 0  # how often somebody had to wait to put something in

    def put(self, item: T, lines: int = 0) -> None:
        """Add an item of so many lines, once there is room; ClosedError if there never will be."""
        with self._changed:
            if self.lines and self.lines + lines > self._most:
                self.full += 1
                self._changed.wait_for(lambda: self._closed or not self.lines or self.lines + lines <= self._most)
            if self._closed:
                raise ClosedError
            self._items.append((item, lines))
            self.lines += lines
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> T | None:
        """Return the next item, None if none comes within `timeout` seconds; ClosedError once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout)
            if self._closed:
                raise ClosedError
            if not self._items:
                return None
            item, lines = self._items.popleft()
            self.lines -= lines
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Let nobody wait any longer; what waits is given up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
