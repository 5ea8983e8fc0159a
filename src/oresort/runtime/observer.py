"""What looks on while a belt is sorted: the screen, the live page, the ejectors."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from oresort.scan.fault import Fault
from oresort.sorting.decision import Decision


class Rates(NamedTuple):
    """How the stream goes, measured by the loop that sorts it; NaN where nothing is known yet."""

    lines: int  # sorted so far
    particles: int  # decided so far
    kept: int  # of these, decided to be ore
    lines_per_second: float  # over the last seconds
    particles_per_second: float
    latency_median: float  # ms from a particle's last line to its decision, over the last seconds
    latency_p99: float
    waiting: int  # lines that were read and not yet sorted
    late: int  # particles that a policy decided on because there was no time to classify them


class Observer(Protocol):
    """Told of everything by the thread that sorts, in the order in which it happens; a method must return at once."""

    def lines(self, low: NDArray[np.uint16]) -> None:
        """Take the low layer's next raw counts (n, columns of the scan), which the caller may use again."""

    def decided(self, decisions: Sequence[Decision], line: int) -> None:
        """Take what was decided when `line` lines of the belt had come, those included that still wait."""

    def cut_off(self) -> None:
        """The belt ends here, and perhaps another begins: no line to come touches those that came."""

    def faults(self, faults: Sequence[Fault]) -> None:
        """Take all faults of the detector so far, by place; called when there are more than before."""

    def alarms(self, alarms: Sequence[str]) -> None:
        """Take the alarms of drift and of air that hold now, one line each; none is an empty list."""

    def rates(self, rates: Rates) -> None:
        """Take figures of the stream, about once a second and at its end."""

    def finished(self) -> None:
        """The belt has ended, for whatever reason; nothing more comes."""
