"""`ejections.csv`, of scans on a disk at once and of a stream as it grows, and its picture."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from oresort.files.growing import Growing
from oresort.files.write import replacing
from oresort.runtime.ejecting import Ejecting
from oresort.scan.draw.ejections import Blast, draw_ejections
from oresort.scan.draw.preview import Preview
from oresort.sorting.decision import Decision
from oresort.sorting.ejectors.schedule import Due
from oresort.sorting.ejectors.settings import Ejectors
from oresort.sorting.ejectors.shots import air
from oresort.sorting.ejectors.table import COLUMNS, cells
from oresort.sorting.ejectors.valve import Window

FILE = "ejections.csv"
HEADING = ",".join(COLUMNS)


class Kept:
    """All windows of belts on a disk, until the ids of their particles are known."""

    def __init__(self, ejecting: Ejecting) -> None:
        self.windows: list[Window] = []
        self.struck: set[int] = set()  # numbers of particles
        self.plant = ejecting.plant
        ejecting.take = self._take

    def _take(self, due: Due) -> None:
        self.windows += due.windows
        self.struck.update(due.struck)

    def number(self, ids: Sequence[int]) -> None:
        """Exchange numbers of particles, as they were decided, for their ids, and put windows in order."""
        named = [window._replace(particles=tuple(ids[k] for k in window.particles)) for window in self.windows]
        self.windows = sorted(named, key=lambda window: (window.open, window.nozzle))
        self.struck = {ids[k] for k in self.struck}

    def write(self, out: Path) -> Path:
        """Write the table, whole or not at all, and return its path."""
        with replacing(out / FILE) as part:
            part.write_text(f"{HEADING}\n{_text(self.windows, self.plant)}", encoding="utf-8")
        return out / FILE

    def draw(self, preview: Preview, rows: Sequence[Decision], before: tuple[int, int]) -> Figure:
        """Draw one belt with its rows, `before` which so many particles and lines of other belts lie."""
        ids = range(before[0] + 1, before[0] + len(rows) + 1)
        kinds = [
            "blown" if row.decision == self.plant.blown else "struck" if number in self.struck else "kept"
            for number, row in zip(ids, rows, strict=True)
        ]
        blasts = [_blast(window, self.plant, before[1]) for window in self.windows if window.particles[0] in ids]
        return draw_ejections(preview, [row.particle for row in rows], kinds, blasts)


class Grown:
    """Windows of a stream, added to a table as they come to be certain.

    Args:
        table: `ejections.csv`, open.
        ejecting: makes the windows.
        rows: of `decisions.csv` that an earlier process left: ids go on after them.
    """

    def __init__(self, table: Growing, ejecting: Ejecting, rows: int) -> None:
        self._table, self._plant, self._rows = table, ejecting.plant, rows
        ejecting.take = self._take

    def _take(self, due: Due) -> None:
        if due.windows:
            named = [w._replace(particles=tuple(self._rows + 1 + k for k in w.particles)) for w in due.windows]
            self._table.add(_text(named, self._plant))


def _text(windows: Sequence[Window], plant: Ejectors) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(cells(windows, plant))
    return text.getvalue()


def _blast(window: Window, plant: Ejectors, line: int) -> Blast:
    """Return where a window meets the belt, lines counted from `line`."""
    flight = plant.distance / 1_000 / plant.belt_speed
    top, bottom = ((t - flight) * plant.line_rate - line for t in air(window.open, window.close, plant))
    left = (plant.first_nozzle + (window.nozzle - 0.5) * plant.nozzle_pitch) / plant.pixel
    return Blast(left, left + plant.nozzle_pitch / plant.pixel, top, bottom)
