"""A quick look at lines as they come: a few figures of them, from which most rules see that they can find nothing."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

PART = 8  # lines of which figures are kept apart
OPAQUE = np.float32(0.02)  # transmission below which a particle may read alike everywhere: there only edges tell
CELL = 4  # columns: strips and brightness are looked for in means of so many
_ALONG = 32  # columns that the mean difference along a line is taken of

Places = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns of some pixels, (k,) each, line by line."""

_NOWHERE: Places = (np.empty(0, np.intp), np.empty(0, np.intp))


class Look(NamedTuple):
    """Figures of lines (n, W), of which n / 8 parts are whole."""

    least: NDArray[np.float32]  # (n,), transmission of the darkest pixel
    cells: NDArray[np.float32]  # (n, W / 4), means of four columns; up to three columns are left over
    along: NDArray[np.float32]  # (n, W / 32), mean differences between neighbours on a line
    down: NDArray[np.float32]  # (parts, W), mean differences to the line above
    brightest: NDArray[np.float32]  # (parts,), mean of the brightest column of cells
    highest: NDArray[np.uint16]  # (parts, W), of the counts
    lowest: NDArray[np.uint16]
    still: NDArray[np.bool_]  # (parts,), some column hardly changes
    above: Places  # of pixels that read what the one above them reads
    beside: Places  # and the one beside them

    def after(self, line: int) -> "Look":
        """Return what is told of the lines from one on, with which a part begins."""
        part = line // PART
        above, beside = ((rows[rows >= line] - line, columns[rows >= line]) for rows, columns in self[-2:])
        least, cells, along, down, brightest, highest, lowest, still, *_ = self
        parts = down[part:], brightest[part:], highest[part:], lowest[part:], still[part:]
        return Look(least[line:], cells[line:], along[line:], *parts, above, beside)

    def before(self, other: "Look") -> "Look":
        """Return the look at these lines and at those that follow them."""
        lines = len(self.least)
        above, beside = (
            (np.concatenate([rows, their_rows + lines]), np.concatenate([columns, their_columns]))
            for (rows, columns), (their_rows, their_columns) in zip(self[-2:], other[-2:], strict=True)
        )
        return Look(
            np.concatenate([self.least, other.least]),
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.along, other.along]),
            np.concatenate([self.down, other.down]),
            np.concatenate([self.brightest, other.brightest]),
            np.concatenate([self.highest, other.highest]),
            np.concatenate([self.lowest, other.lowest]),
            np.concatenate([self.still, other.still]),
            above,
            beside,
        )


class Looker:
    """Looks at lines of one width, a few at a time, which stay in the processor's cache meanwhile.

    Args:
        width: columns.
        quiet: range of counts (W,) below which a column hardly changes; None: nobody asks what pixels repeat.
    """

    def __init__(self, width: int, quiet: NDArray[np.uint16] | None) -> None:
        self._width, self._quiet, self._wide = width, quiet, along_columns(width)
        self._step = np.empty((PART, (width - 1) // self._wide * self._wide), np.float32)
        self._down = np.empty((PART, width), np.float32)

    def __call__(self, lines: NDArray[np.float32], counts: NDArray[np.uint16], over: int = 0) -> Look:
        """Look at transmission (over + n, W) of some lines, and at their counts as they came.

        `over` of them, 0 or 1, lie above those that are looked at.
        """
        number, width = len(lines) - over, self._width
        parts = number // PART
        least, brightest = np.empty(number, np.float32), np.zeros(parts, np.float32)
        cells = np.empty((number, width // CELL), np.float32)
        along = np.empty((number, self._step.shape[1] // self._wide), np.float32)
        down = np.empty((parts, width), np.float32)
        highest, lowest = np.empty((2, parts, width), np.uint16)
        still = np.zeros(parts, np.bool_)
        for start in range(0, number, PART):
            here = lines[start + over : start + over + PART]
            rows, step = slice(start, start + len(here)), self._step[: len(here)]
            here.min(axis=1, out=least[rows])
            if step.size:
                cv2.absdiff(here[:, 1 : step.shape[1] + 1], here[:, : step.shape[1]], step)
            cells[rows] = _means(here, CELL)
            along[rows] = _means(step, self._wide)
            part = start // PART
            if part == parts:
                break
            self._compare_down(lines[max(start + over - 1, 0) : start + over + PART], down[part])
            if cells.size:
                brightest[part] = cv2.reduce(cells[rows], 0, cv2.REDUCE_AVG).max()
            if self._quiet is not None:
                own = counts[start + over : start + over + PART]
                own.max(axis=0, out=highest[part])
                own.min(axis=0, out=lowest[part])
                still[part] = (highest[part] - lowest[part] < self._quiet).any()
        above = beside = _NOWHERE
        if self._quiet is not None:
            above = _places(counts[1:] == counts[:-1], 1 - over, 0)
            beside = _places(counts[over:, 1:] == counts[over:, :-1], 0, 1)
        return Look(least, cells, along, down, brightest, highest, lowest, still, above, beside)

    def _compare_down(self, lines: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Write (W,) mean differences between lines one above the other."""
        steps = self._down[: len(lines) - 1]
        cv2.absdiff(lines[1:], lines[:-1], steps)
        cv2.reduce(steps, 0, cv2.REDUCE_AVG, out[None])


def along_columns(width: int) -> int:
    """Return how many columns the mean difference along a line of so many is taken of."""
    return max(min(_ALONG, width - 1), 1)


def _means(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return means (n, W / count) of neighbours; a product takes a third of the time of resizing."""
    height, few = len(values), values.shape[1] // count
    groups = values[:, : few * count].reshape(height, few, count)
    return np.asarray(groups @ np.full(count, 1 / count, np.float32), np.float32)


def _places(same: NDArray[np.bool_], row: int, column: int) -> Places:
    rows, columns = np.divmod(same.ravel().nonzero()[0], max(same.shape[1], 1))
    return rows + row, columns + column
