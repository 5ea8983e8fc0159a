"""How a stream goes, on one live line of a terminal, or on plain lines every few seconds elsewhere."""

import math
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.text import Text

from oresort.runtime.observer import Rates
from oresort.scan.fault import Fault
from oresort.sorting.decision import Decision

_EVERY = 5.0  # seconds between plain lines


class Screen:
    """An observer that prints to stderr, so that a command's stdout holds its results alone."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._faults, self._alarms, self._said = 0, 0, 0.0
        if self._console.is_terminal:
            self._live.start()

    def say(self, line: str) -> None:
        """Print an event, above the live line."""
        self._console.print(Text(line), soft_wrap=True)

    def lines(self, low: NDArray[np.uint16]) -> None:
        """Not shown."""

    def decided(self, decisions: Sequence[Decision], line: int) -> None:
        """Not shown one by one."""

    def cut_off(self) -> None:
        """Not shown."""

    def faults(self, faults: Sequence[Fault]) -> None:
        """Count what was not mended."""
        self._faults = sum(not fault.mended for fault in faults)

    def alarms(self, alarms: Sequence[str]) -> None:
        """Count what is unlike training, or strays."""
        self._alarms = len(alarms)

    def rates(self, rates: Rates) -> None:
        """Show how it goes."""
        text = self._text(rates)
        if self._console.is_terminal:
            self._live.update(Text(text, overflow="ellipsis", no_wrap=True), refresh=True)
        elif (now := time.monotonic()) - self._said >= _EVERY:
            self.say(text)
            self._said = now

    def finished(self) -> None:
        """Leave the screen as it was."""
        if self._console.is_terminal:
            self._live.stop()

    def _text(self, rates: Rates) -> str:
        parts = [f"{rates.lines_per_second:,.0f} lines/s", f"{rates.particles_per_second:,.0f} particles/s"]
        if rates.particles:
            parts.append(f"{100 * rates.kept / rates.particles:.0f} % kept of {rates.particles:,}")
        if math.isfinite(rates.latency_p99):
            parts.append(f"decided after {rates.latency_median:.0f} ms (p99 {rates.latency_p99:.0f})")
        parts += [f"{rates.waiting:,} lines waiting", f"{self._faults} faults"]
        parts += [f"{rates.late:,} late"] * bool(rates.late) + [f"{self._alarms} alarms"] * bool(self._alarms)
        return ", ".join(parts)
