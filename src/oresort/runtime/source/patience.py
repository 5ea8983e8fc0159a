"""How long a source waits for lines that do not come."""

import threading

from oresort.runtime.source.event import Log
from oresort.runtime.source.wire import EndedError


class Patience:
    """Bears silence, names it once after `stall` seconds, and ends with `idle` seconds of it, or when `stop` is set."""

    def __init__(self, stop: threading.Event, stall: float, idle: float | None, log: Log) -> None:
        self.stop, self.stall, self.idle, self._log = stop, stall, idle, log
        self.named = False  # the silence that lasts was named

    def check(self, silent: float) -> None:
        """Raise EndedError where no more lines are awaited after so many seconds."""
        if self.stop.is_set():
            raise EndedError
        if self.idle is not None and silent >= self.idle:
            self._log("end", f"no lines for {silent:.1f} s (idle={self.idle:g})")
            raise EndedError

    def hear(self, silent: float) -> None:
        """Name the present sender's silence once, and its end; raises as `check`."""
        self.check(silent)
        if silent > self.stall and not self.named:
            self._log("stall", f"the sender has been silent for {silent:.1f} s; waiting, what came before is kept")
            self.named = True
        elif self.named and not silent:
            self._log("stall", "the sender sends again")
            self.named = False
