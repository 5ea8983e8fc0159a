"""Regions of which more lines may come, measured by their runs along lines."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.scan.segment.split import fills, hull_of


class Piece(NamedTuple):
    """Some lines of a mask, labelled."""

    first: int  # line
    left: int  # column of its first one
    labels: NDArray[np.int32]  # (n, w)


@dataclass(eq=False)
class Growing:
    """A region of which more lines may come: its box, what is in it, and where its labels are."""

    top: int
    left: int
    bottom: int  # one past, as right
    right: int
    area: int
    strong: bool
    parts: list[tuple[Piece, int]] = field(default_factory=list)
    ends: list[NDArray[np.int32]] = field(default_factory=list)  # (N, 2) each, column and line of its runs' ends
    parted: bool = False
    ending: int = 0  # line before which no part of it has ended

    def absorb(self, other: "Growing") -> None:
        """Become one with a region that it meets."""
        self.top, self.left = min(self.top, other.top), min(self.left, other.left)
        self.bottom, self.right = max(self.bottom, other.bottom), max(self.right, other.right)
        self.area, self.strong = self.area + other.area, self.strong or other.strong
        self.parts += other.parts
        self.ends += other.ends
        self.parted |= other.parted
        self.ending = 0

    def whole(self) -> NDArray[np.bool_]:
        """Return its pixels in its box."""
        mask = np.zeros((self.bottom - self.top, self.right - self.left), np.bool_)
        for piece, label in self.parts:
            first, left = max(piece.first, self.top), max(piece.left, self.left)
            pixels = piece.labels[
                first - piece.first : self.bottom - piece.first, left - piece.left : self.right - piece.left
            ]
            height, width = pixels.shape
            first, left = first - self.top, left - self.left
            mask[first : first + height, left : left + width] |= pixels == label
        return mask

    def is_convex(self, convex: float) -> bool:
        """Tell whether it `fills` its hull so far; of lines that were looked at only the hull is kept."""
        points = self.ends[0] if len(self.ends) == 1 else np.concatenate(self.ends)
        hull = hull_of(points)
        self.ends = [hull[:, 0]]
        return fills(hull, self.area, convex)


def measured(piece: Piece, weak: NDArray[np.uint8], strong: NDArray[np.uint8], count: int) -> list[Growing]:
    """Return each label's region, measured by its runs along lines: far fewer than its pixels."""
    if count == 1:
        return []
    height, width = weak.shape
    rows, starts, stops = _runs(weak)  # (R,) each
    label = piece.labels[rows, starts] - 1
    area = np.bincount(label, stops - starts, count - 1).astype(np.int64)
    top, left = np.full(count - 1, height), np.full(count - 1, width)
    bottom, right = np.zeros(count - 1, np.int64), np.zeros(count - 1, np.int64)
    np.minimum.at(top, label, rows)
    np.maximum.at(bottom, label, rows + 1)
    np.minimum.at(left, label, starts)
    np.maximum.at(right, label, stops)
    sure = np.zeros(count, np.bool_)
    strong_rows, strong_starts, _ = _runs(strong)
    sure[piece.labels[strong_rows, strong_starts]] = True  # strong is a part of weak
    first = piece.first
    for columns in (left, right):
        columns += piece.left
    order = np.argsort(label, kind="stable")
    ends = np.empty((2 * len(rows), 2), np.int32)  # (2 R, 2), of one label after the other
    ends[::2, 0], ends[1::2, 0] = starts[order] + piece.left, stops[order] + (piece.left - 1)
    ends[:, 1] = np.repeat(rows[order] + first, 2)
    stop = 2 * np.cumsum(np.bincount(label, minlength=count - 1))
    measures = zip(*(values.tolist() for values in (top, left, bottom, right, area, sure[1:], stop)), strict=True)
    found, start = [], 0
    for index, (above, x, below, end, pixels, held, past) in enumerate(measures, start=1):
        own = [ends[start:past]]
        found.append(Growing(first + above, x, first + below, end, int(pixels), held, [(piece, index)], own))
        start = past
    return found


def _runs(mask: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return row, first column and one past the last of each run of ones along the lines of a mask (n, W)."""
    padded = np.zeros((len(mask), mask.shape[1] + 2), np.uint8)
    padded[:, 1:-1] = mask
    flat = padded.ravel()
    # a line begins and ends with 0, so that none goes on into the next; one axis is found twice as fast as two
    rows, columns = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), padded.shape[1])  # (2 R,) each, in turn
    return rows[::2], columns[::2], columns[1::2]
