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
    into: "Growing | None" = None  # that it has become a part of
    became: list["Growing"] = field(default_factory=list)  # parts of it, once it is parted

    def head(self) -> "Growing":
        """Return what it is part of, itself or another one."""
        region = self
        while region.into is not None:
            region = region.into
        return region

    def meet(self, other: "Growing", line: int) -> None:
        """Become one with a region that it touches at a line."""
        if other is self:
            return
        other.into = self
        if other.top < line:  # that was there before, and a part of it may have ended
            self.ending = 0
        self.top, self.left = min(self.top, other.top), min(self.left, other.left)
        self.bottom, self.right = max(self.bottom, other.bottom), max(self.right, other.right)
        self.area, self.strong = self.area + other.area, self.strong or other.strong
        self.parts += other.parts
        self.ends += other.ends
        self.parted |= other.parted

    def part_at(self, column: int) -> "Growing":
        """Return what it is at a column of its last line: itself, or the part of it that goes on there."""
        for part in self.became:
            ((piece, label),) = part.parts
            if part.bottom == self.bottom and piece.labels[-1, column - piece.left] == label:
                return part
        return self

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


class Runs(NamedTuple):
    """Runs of ones along the lines of a labelled mask, by line and then by column, (R,) each."""

    lines: NDArray[np.intp]
    starts: NDArray[np.intp]  # column
    stops: NDArray[np.intp]  # one past the last
    labels: NDArray[np.int32]  # less one

    def of_line(self, line: int) -> list[tuple[int, int, int]]:
        """Return start, stop and label of the runs on a line."""
        here = slice(*np.searchsorted(self.lines, (line, line + 1)))
        columns = self.starts[here].tolist(), self.stops[here].tolist(), self.labels[here].tolist()
        return list(zip(*columns, strict=True))


def runs_of(mask: NDArray[np.uint8], labels: NDArray[np.int32]) -> Runs:
    """Return the runs of a mask (n, W) of 0 and 1; two labels (n, W) must not lie side by side."""
    padded = np.zeros((len(mask), mask.shape[1] + 2), np.uint8)
    padded[:, 1:-1] = mask
    flat = padded.ravel()
    # a line begins and ends with 0, so that none goes on into the next; one axis is found twice as fast as two
    lines, columns = np.divmod(np.flatnonzero(flat[1:] != flat[:-1]), padded.shape[1])  # (2 R,) each, in turn
    lines, starts = lines[::2], columns[::2]
    return Runs(lines, starts, columns[1::2], labels[lines, starts] - 1)


def measured(piece: Piece, runs: Runs, strong: NDArray[np.bool_]) -> list[Growing]:
    """Return each label's region, measured by its runs, far fewer than its pixels; some are `strong` (labels,)."""
    lines, starts, stops, labels = runs
    count, height, width = len(strong), *piece.labels.shape
    area = np.bincount(labels, stops - starts, count).astype(np.int64)
    top, left = np.full(count, height), np.full(count, width)
    bottom, right = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.minimum.at(top, labels, lines)
    np.maximum.at(bottom, labels, lines + 1)
    np.minimum.at(left, labels, starts)
    np.maximum.at(right, labels, stops)
    order = np.argsort(labels, kind="stable")
    ends = np.empty((2 * len(lines), 2), np.int32)  # (2 R, 2), of one label after the other
    ends[::2, 0], ends[1::2, 0] = starts[order], stops[order] - 1
    ends[:, 1] = np.repeat(lines[order], 2)
    ends += (piece.left, piece.first)
    stop = 2 * np.cumsum(np.bincount(labels, minlength=count))
    y, x = piece.first, piece.left
    measures = zip(*(values.tolist() for values in (top, left, bottom, right, area, strong, stop)), strict=True)
    found, begin = list[Growing](), 0
    for label, (above, first, below, last, pixels, sure, past) in enumerate(measures, start=1):
        own = [ends[begin:past]]
        found.append(Growing(y + above, x + first, y + below, x + last, pixels, sure, [(piece, label)], own))
        begin = past
    return found
