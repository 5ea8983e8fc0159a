"""When rows are written: as soon as they are decided, or scan by scan, so that a restart knows which were done."""

from collections.abc import Sequence
from typing import Any, Protocol

from oresort.runtime.source.event import Done
from oresort.runtime.stream.cutting import Begun
from oresort.runtime.stream.resume import Earlier
from oresort.sorting.table import Placed


class Rows(Protocol):
    """Takes decisions as they come, and gives back those that may be written."""

    def take(self, placed: Sequence[Placed], settled: int) -> list[Placed]:
        """Add decisions; before line `settled` of the stream no undecided particle begins."""

    def begin(self, begun: Begun) -> list[Placed]:
        """A scan begins."""

    def done(self, done: Done) -> list[Placed]:
        """A scan was read to its end."""

    def cut_off(self) -> list[Placed]:
        """The belt is cut, and all particles on it are decided."""

    def state(self) -> dict[str, Any]:
        """Return what a restart needs to know, once the rows that were given back are on the disk."""


class AtOnce:
    """Of lines that come once: what is decided is written at once."""

    def __init__(self, earlier: Earlier) -> None:
        self._earlier = earlier
        self._begun: Begun | None = None
        self._settled = 0

    def take(self, placed: Sequence[Placed], settled: int) -> list[Placed]:  # noqa: D102
        self._settled = settled
        return list(placed)

    def begin(self, begun: Begun) -> list[Placed]:  # noqa: D102
        self._begun = begun
        return []

    def done(self, done: Done) -> list[Placed]:  # noqa: D102
        return []

    def cut_off(self) -> list[Placed]:  # noqa: D102
        return []

    def state(self) -> dict[str, Any]:  # noqa: D102
        if self._begun is None:
            earlier = self._earlier
            return {} if earlier.next_line is None else {"belt": earlier.belt, "next_line": earlier.next_line}
        piece = self._begun.piece
        return {"belt": piece.name, "next_line": max(self._settled - self._begun.line, 0) + piece.first}


class ByScan:
    """Of scans that lie on a disk: a scan's rows together, by place, as if all of them had been sorted at once.

    So a restart begins with the first scan that has no rows, and nothing is lost or decided twice.
    """

    def __init__(self, earlier: Earlier) -> None:
        self._rows = earlier.rows or 0
        self._state: dict[str, Any] = {}
        if earlier.scan is not None:
            self._state = {"scan": earlier.scan, "rows": self._rows, "over": earlier.over}
        self._scans: list[Begun] = []  # whose rows are not given back
        self._read: set[str] = set()  # of these, those that were read to their end
        self._held: list[Placed] = []
        self._settled = 0

    def take(self, placed: Sequence[Placed], settled: int) -> list[Placed]:  # noqa: D102
        self._held += placed
        self._settled = settled
        return self._ready()

    def begin(self, begun: Begun) -> list[Placed]:  # noqa: D102
        self._scans.append(begun)
        return self._ready()

    def done(self, done: Done) -> list[Placed]:  # noqa: D102
        self._read.add(done.name)
        return self._ready()

    def cut_off(self) -> list[Placed]:  # noqa: D102
        found = self._ready()
        for scan in self._scans:
            found += self._give(scan, None)
        self._scans = []
        return found

    def state(self) -> dict[str, Any]:  # noqa: D102
        return self._state

    def _ready(self) -> list[Placed]:
        found: list[Placed] = []
        while len(self._scans) > 1 and self._scans[1].line <= self._settled:
            found += self._give(self._scans.pop(0), self._scans[0].line)
        return found

    def _give(self, scan: Begun, end: int | None) -> list[Placed]:
        name = scan.piece.name
        own = [row for row in self._held if row.scan == name]
        self._held = [row for row in self._held if row.scan != name]
        own.sort(key=lambda row: (row.y, row.made.particle.x))
        self._rows += len(own)
        if name in self._read:
            across = [row.made.particle for row in own if end is not None]
            over = [[p.x, p.x + p.w] for p in across if end is not None and p.y + p.h > end]
            self._state = {"scan": name, "rows": self._rows, "over": over}
            self._read.discard(name)
        return own
