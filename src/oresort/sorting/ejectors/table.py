"""`ejections.csv`: one row for each time that a nozzle blows."""

import math
from collections.abc import Iterable

from oresort.sorting.ejectors.settings import Ejectors
from oresort.sorting.ejectors.valve import Window

_DIGITS = 6  # of a line, so that what begins with a line is not put before it

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
            math.floor(round(window.open * plant.line_rate, _DIGITS)),
            math.ceil(round(window.close * plant.line_rate, _DIGITS)),
            " ".join(map(str, sorted(window.particles))),
        ]
        for window in windows
    ]
