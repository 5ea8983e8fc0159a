"""`ejections.csv`: one row for each time that a nozzle blows."""

import math
from collections.abc import Iterable

from oresort.sorting.ejectors.settings import Ejectors
from oresort.sorting.ejectors.valve import Window

COLUMNS = ("nozzle", "open_s", "close_s", "open_line", "close_line", "particles")


def cells(windows: Iterable[Window], plant: Ejectors) -> list[list[object]]:
    """Return rows of the table: nozzle from 1, the valve's two commands, the particles that it blows for by their ids.

    Times are seconds since the belt's first line began, and the lines that the detector then sees: the one that
    contains the command to open, and the first that begins after the one to close.
    """
    return [
        [
            window.nozzle + 1,
            f"{window.open:.6f}",
            f"{window.close:.6f}",
            math.floor(window.open * plant.line_rate),
            math.ceil(window.close * plant.line_rate),
            " ".join(map(str, sorted(window.particles))),
        ]
        for window in windows
    ]
