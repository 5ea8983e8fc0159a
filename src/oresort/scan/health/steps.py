"""Columns whose gain has changed since the calibration: straight edges along the belt that stay where they are."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_STEP = 0.04  # of air between neighbours: a thin rim attenuates 0.05, so less makes no particle
_SIGMAS = 6.0  # of a stretch's mean, which noise must not reach
_STRETCH = 32  # lines that are averaged, at least: noise of 3.5 % then hides no step of 7 %
_STAY = 3  # stretches for which an edge lies at one column: 38 mm, and no rock's edge is so straight
_WIDEST = 512  # columns of a module, or of some side by side
_BESIDE = np.array([[0], [1], [3], [4]])  # pixels around the third of five
_END = 256  # columns from the belt's end up to which one edge alone means a module there


class Steps:
    """Follows the edges between a layer's columns, one stretch of lines after the other."""

    def __init__(self, noise: NDArray[np.float32]) -> None:
        self._noise = np.sqrt(2) * np.maximum(noise[1:], noise[:-1])  # (W - 1,), of a difference of two pixels
        self._sign = np.zeros(len(noise) - 1, np.int8)
        self._count = np.zeros(len(noise) - 1, np.int32)  # stretches for which each edge has been there
        self._total, self._lines = np.zeros(len(noise), np.float32), 0  # of the present stretch
        self._found: list[slice] = []  # after the last one

    def add(self, lines: NDArray[np.float32]) -> list[slice]:
        """Take the next lines (n, W) of levelled transmission; return the columns between two edges that stay."""
        self._total += lines.sum(axis=0)
        self._lines += len(lines)
        if self._lines >= _STRETCH:
            self._found = self._look(self._total / np.float32(self._lines), self._lines)
            self._total[:], self._lines = 0, 0
        return self._found

    def _look(self, mean: NDArray[np.float32], lines: int) -> list[slice]:
        """Look at the mean (W,) of so many lines."""
        step = np.diff(mean)  # (W - 1,)
        limit = np.maximum(_STEP, _SIGMAS * self._noise / np.sqrt(lines))
        sign = np.zeros(len(step), np.int8)
        height = np.zeros(len(step) + 4, np.float32)  # with two more on either side
        np.abs(step, out=height[2:-2])
        places = np.flatnonzero(height[2:-2] > limit)
        # a rock's edge is a slope of some pixels, or wanders over them
        beside = height[places + _BESIDE].max(axis=0)  # (n,)
        places = places[beside < height[places + 2] / 2]
        sign[places] = np.sign(step[places])
        self._count = np.where((sign != 0) & (sign == self._sign), self._count + 1, np.abs(sign)).astype(np.int32)
        self._sign = sign
        stay = np.flatnonzero(self._count >= _STAY)
        if not stay.size:
            return []
        edges = [(int(column) + 1, int(sign[column])) for column in stay]
        width = len(sign) + 1
        if edges[0][0] <= _END:
            edges.insert(0, (0, -edges[0][1]))
        if width - edges[-1][0] <= _END:
            edges.append((width, -edges[-1][1]))
        found = []
        for (left, one), (right, other) in pairwise(edges):
            # a pixel in between at a half belongs to both edges: those of one sign are one edge
            inside = one * (mean[left:right] - 1)
            if one == -other and right - left <= _WIDEST and np.percentile(inside, 20) > _STEP / 2:
                found.append(slice(left, right))
        return found
