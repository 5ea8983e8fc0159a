"""A quick look at lines as they come: a few figures of them, from which most rules see that they can find nothing."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.lib.stride_tricks import as_strided
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
    highest: NDArray[np.uint16]  # (parts, W), of the counts
    lowest: NDArray[np.uint16]
    above: Places  # of pixels that read what the one above them reads
    beside: Places  # and the one beside them

    def after(self, line: int) -> "Look":
        """Return what is told of the lines from one on, with which a part begins."""
        part = line // PART
        above, beside = ((rows[rows >= line] - line, columns[rows >= line]) for rows, columns in self[-2:])
        return Look(*(values[line:] for values in self[:3]), *(values[part:] for values in self[3:6]), above, beside)

    def before(self, other: "Look") -> "Look":
        """Return the look at these lines and at those that follow them."""
        lines = len(self.least)
        above, beside = (
            (np.concatenate([rows, their_rows + lines]), np.concatenate([columns, their_columns]))
            for (rows, columns), (their_rows, their_columns) in zip(self[-2:], other[-2:], strict=True)
        )
        return Look(*map(np.concatenate, zip(self[:6], other[:6], strict=True)), above, beside)


def looked(lines: NDArray[np.float32], counts: NDArray[np.uint16], over: int = 0, alike: bool = True) -> Look:
    """Look at transmission (over + n, W) of some lines, and at their counts as they came.

    `over` of them, 0 or 1, lie above those that are looked at. Unless `alike` nobody asks what pixels repeat.
    """
    here, own, width = lines[over:], counts[over:], lines.shape[1]
    wide, parts = along_columns(width), len(here) // PART
    step = np.empty((len(here), (width - 1) // wide * wide), np.float32)
    if step.size:
        cv2.absdiff(here[:, 1 : step.shape[1] + 1], here[:, : step.shape[1]], step)
    down = np.zeros((parts * PART, width), np.float32)
    if parts:
        cv2.absdiff(lines[1 : parts * PART + over], lines[: parts * PART + over - 1], down[1 - over :])
    whole = own[: parts * PART if alike else 0].reshape(-1, PART, width)
    return Look(
        here.min(axis=1, initial=1),
        _means(here[:, : width // CELL * CELL], CELL),
        _means(step, wide),
        down.reshape(-1, PART, width).mean(axis=1),
        whole.max(axis=1),
        whole.min(axis=1),
        _places(counts[1:] == counts[:-1], 1 - over, 0) if alike else _NOWHERE,
        _places(own[:, 1:] == own[:, :-1], 0, 1) if alike else _NOWHERE,
    )


def along_columns(width: int) -> int:
    """Return how many columns the mean difference along a line of so many is taken of."""
    return max(min(_ALONG, width - 1), 1)


def _means(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return means (n, W / count) of neighbours; a product takes a third of the time of resizing."""
    line, pixel = values.strides
    shape, strides = (len(values), values.shape[1] // count, count), (line, count * pixel, pixel)
    return np.asarray(as_strided(values, shape, strides) @ np.full(count, 1 / count, np.float32), np.float32)


def _places(same: NDArray[np.bool_], row: int, column: int) -> Places:
    rows, columns = np.divmod(same.ravel().nonzero()[0], max(same.shape[1], 1))
    return rows + row, columns + column
