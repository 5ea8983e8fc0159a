"""Scans whose files are written anew after they were sorted, as by a recorder that begins its names again."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from oresort.files.scans import ScanFiles

_AT_ONCE = 64  # scans that one look asks for

_State = tuple[tuple[int, int], ...]  # sizes and times of change of a scan's files


class _Sorted(NamedTuple):
    """A scan, how its files were when it had its turn, and how when it was last looked at."""

    scan: ScanFiles
    then: _State
    lately: _State


class Rewritten:
    """Looks back at scans that had their turn, some at a time; one whose files are gone is forgotten."""

    def __init__(self) -> None:
        self._sorted = deque[_Sorted]()

    def add(self, scan: ScanFiles) -> None:
        """Take a scan that has its turn now."""
        if state := _state(scan):
            self._sorted.append(_Sorted(scan, state, state))

    def look(self) -> Iterator[ScanFiles]:
        """Yield scans that have been written anew, each time once, and have not changed since the look before."""
        for _ in range(min(len(self._sorted), _AT_ONCE)):
            scan, then, lately = self._sorted.popleft()
            if (state := _state(scan)) is None:
                continue  # whoever tidies up may
            anew = state == lately != then
            self._sorted.append(_Sorted(scan, state if anew else then, state))
            if anew:
                yield scan


def _state(scan: ScanFiles) -> _State | None:
    try:
        found = [file.stat() for file in (scan.low, scan.high)]
    except OSError:
        return None
    return tuple((one.st_size, one.st_mtime_ns) for one in found)
