"""`log.txt`: one line an event, with the time, for the one who looks after the sorter."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from oresort.files.growing import Growing

_OFTEN, _MINUTE = 20, 60.0  # lines of one kind a minute that are written; of more only how many


class EventLog:
    """Writes events as they happen, from any thread; `tell` hears of each as well.

    What happens before there is a file is written once there is.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._lock = tell, threading.Lock()
        self._file: Growing | None = None
        self._early: list[str] = []
        self._seen: dict[str, tuple[float, int]] = {}  # by kind, the minute's beginning and how many there were

    @contextmanager
    def to(self, path: Path) -> Iterator[None]:
        """Write to a file in the block.

        Raises:
            InputError: another file lies there.
            OSError: it cannot be written.
        """
        with Growing(path, "time event what") as self._file:
            self._file.add("".join(self._early))
            try:
                yield
            finally:
                with self._lock:
                    for kind, (_, count) in self._seen.items():
                        self._more(kind, count)
                    self._file, self._early = None, []

    def __call__(self, kind: str, text: str) -> None:
        """Write what happened; of a kind that comes too often, which fills disks, only how many there were."""
        with self._lock:
            now = time.monotonic()
            since, count = self._seen.get(kind, (now, 0))
            if now - since > _MINUTE:
                self._more(kind, count)
                since, count = now, 0
            self._seen[kind] = since, count + 1
            if count < _OFTEN:
                self._write(kind, text)

    def _more(self, kind: str, count: int) -> None:
        if count > _OFTEN:
            self._write(kind, f"and {count - _OFTEN:,} more of this kind within a minute")

    def _write(self, kind: str, text: str) -> None:
        when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f"{when} {kind} {' '.join(text.split())}"
        if self._file is None:
            self._early.append(f"{line}\n")
        else:
            self._file.add(f"{line}\n")
        self._tell(line)
