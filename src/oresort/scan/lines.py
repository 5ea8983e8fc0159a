"""Lines in memory: appended at one end, forgotten at the other, known by their number since the first."""

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

T = TypeVar("T", bound=np.generic)

_ROOM = 256  # lines of room at first: few moves, little memory


class Lines(Generic[T]):
    """Lines `top` to `end` of one kind, each an array of one shape, in one array that moves only when it is full."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, room: int = _ROOM) -> None:
        self._store: NDArray[T] = np.empty((room, *shape), dtype)
        self._begin = 0  # where line `top` lies in it
        self.top = self.end = 0

    def append(self, lines: NDArray[T]) -> None:
        """Add lines (n, ...) at the end."""
        self.room(len(lines))[:] = lines

    def room(self, count: int) -> NDArray[T]:
        """Add lines (`count`, ...) at the end, which the caller has to write."""
        kept, need = self.end - self.top, self.end - self.top + count
        if self._begin + need > len(self._store):
            # to the front of it: memory that is fresh has to be cleared by the system, page by page
            grown = need > len(self._store) // 2  # else what is kept does not lie where it goes
            store = np.empty((2 * need, *self._store.shape[1:]), self._store.dtype) if grown else self._store
            store[:kept] = self._store[self._begin : self._begin + kept]
            self._store, self._begin = store, 0
        self.end += count
        return self._store[self._begin + kept : self._begin + need]

    def forget(self, line: int) -> None:
        """Give up what lies before a line."""
        line = min(max(line, self.top), self.end)
        self._begin += line - self.top
        self.top = line

    def between(self, start: int, stop: int) -> NDArray[T]:
        """Return lines `start` to `stop`, as far as they are here, as a view (n, ...) that later lines may change."""
        # written out: it is asked for twenty times a block
        start = self.top if start < self.top else self.end if start > self.end else start
        stop = self.top if stop < self.top else self.end if stop > self.end else stop
        move = self._begin - self.top
        return self._store[start + move : stop + move]
