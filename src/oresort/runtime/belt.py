"""One belt of scans on disk, sorted from its first line to its last."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.files.belt import BeltFiles
from oresort.runtime.sorter import Sorter
from oresort.runtime.telling import Telling
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.cutter import AT_ONCE, BLOCK
from oresort.scan.cut.summary import summary_row
from oresort.scan.draw.preview import Preview
from oresort.scan.fault import Fault
from oresort.sorting.decision import Decision
from oresort.sorting.drift import Compared, compare
from oresort.sorting.table import Placed

_NO_MASK = np.empty((0, 0), np.bool_)


@dataclass
class SortedBelt:
    """What was decided on a belt, by line and column, and what it looked like."""

    files: BeltFiles
    calibration: Calibration
    notes: list[str]  # what looked wrong when it was calibrated, one line each
    given: bool  # the calibration is from a file
    preview: Preview | None = None
    faults: list[Fault] = field(default_factory=list)  # lines count from the first of the belt
    lines: int = 0
    lines_lost: int = 0
    rows: list[Decision] = field(default_factory=list)
    order: list[int] = field(default_factory=list)  # of each row, as which of the belt it was decided, from 0

    @property
    def p_ore(self) -> NDArray[np.float32]:
        """Probabilities of ore (N,)."""
        return np.array([row.p_ore for row in self.rows], np.float32)

    @property
    def summary(self) -> dict[str, Any]:
        """What was found and how it was calibrated, see `summary_row`."""
        particles, origin = [row.particle for row in self.rows], "none"
        if self.calibration.registration is not None:
            origin = "file" if self.given else "scan"
        row = summary_row(self.files.name, self.lines, particles, len(particles), self.calibration, origin)
        return row | {"lines_lost": self.lines_lost}

    def placed(self) -> Iterator[Placed]:
        """Yield its rows with the scan in which each begins."""
        for row in self.rows:
            yield Placed(*self.files.place(row.particle.y), row)

    def faults_by_scan(self) -> list[tuple[str, Fault]]:
        """Return its faults, each with the scan in which it begins, from whose first line its lines then count."""
        found = []
        for fault in self.faults:
            scan = ""
            if fault.lines is not None:
                scan, start = self.files.place(fault.lines.start)
                fault = replace(fault, lines=slice(start, start + fault.lines.stop - fault.lines.start))
            found.append((scan, fault))
        return found

    def drift(self, seen: Mapping[str, Any]) -> list[Compared]:
        """Return its figures beside those of training, see `compare`."""
        return compare(seen, self.summary, [row.figures for row in self.rows], self.p_ore)


def sort_belt(
    belt: SortedBelt, sorter: Sorter, advance: Callable[[float], None], telling: Telling, seen: Mapping[str, Any]
) -> None:
    """Sort a belt from its first line to its last, and fill its rows; `advance` is told of lines.

    Those who look on are told of all, at last of alarms beside what was `seen` in training.

    Raises:
        InputError: as `Sorter.push`, or a damaged file.
    """
    for low, high in belt.files.read(AT_ONCE):
        if belt.preview:
            belt.preview.add(low)
        for start in range(0, len(low), BLOCK):
            part = slice(start, start + BLOCK)
            decisions = sorter.push(low[part], high[part])
            telling.block(low[part], decisions, sorter)
            belt.rows += map(_slim, decisions)
        advance(len(low))
    last = sorter.finish()
    belt.rows += map(_slim, last)
    belt.faults, belt.lines, belt.lines_lost = sorter.faults, sorter.lines, sorter.lines_lost
    order = sorted(range(len(belt.rows)), key=lambda k: (belt.rows[k].particle.y, belt.rows[k].particle.x))
    belt.rows, belt.order = [belt.rows[k] for k in order], order
    telling.end(last, sorter, [known.alarm for known in belt.drift(seen) if known.alarm])


def _slim(row: Decision) -> Decision:
    # so that memory hardly grows with what has gone by
    return row._replace(particle=replace(row.particle, mask=_NO_MASK))
