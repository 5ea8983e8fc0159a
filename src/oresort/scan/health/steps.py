"""Columns whose gain has changed since the calibration: straight edges along the belt that stay where they are."""

from itertools import pairwise

import cv2
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
        # (W - 1,), of a difference of two pixels, and as many of their sums as may be there by chance
        self._noise = np.float32(_SIGMAS * np.sqrt(2)) * np.maximum(noise[1:], noise[:-1])
        self._places = np.empty(0, np.intp)  # of edges
        self._sign = np.zeros(len(noise) - 1, np.int8)
        self._count = np.zeros(len(noise) - 1, np.int32)  # stretches for which each edge has been there
        self._total, self._lines = np.zeros(len(noise), np.float32), 0  # of the present stretch
        self._found: list[slice] = []  # after the last one

    def add(self, lines: NDArray[np.float32]) -> list[slice]:
        """Take the next lines (n, W) of levelled transmission; return the columns between two edges that stay."""
        if len(lines):
            self._total += cv2.reduce(lines, 0, cv2.REDUCE_SUM)[0]
        self._lines += len(lines)
        if self._lines >= _STRETCH:
            self._found = self._look(self._total / np.float32(self._lines), self._lines)
            self._total[:], self._lines = 0, 0
        return self._found

    def _look(self, mean: NDArray[np.float32], lines: int) -> list[slice]:
        """Look at the mean (W,) of so many lines."""
        step = mean[1:] - mean[:-1]  # (W - 1,)
        limit = np.maximum(_STEP, self._noise / np.float32(np.sqrt(lines)))
        height = np.zeros(len(step) + 4, np.float32)  # with two more on either side
        np.abs(step, out=height[2:-2])
        places = np.flatnonzero(height[2:-2] > limit)
        # a rock's edge is a slope of some pixels, or wanders over them
        beside = height[places + _BESIDE].max(axis=0)  # (n,)
        places = places[beside < height[places + 2] / 2]
        sign = np.sign(step[places]).astype(np.int8)
        count = np.where(sign == self._sign[places], self._count[places] + 1, 1)
        self._sign[self._places] = self._count[self._places] = 0
        self._sign[places], self._count[places], self._places = sign, count, places
        stay = places[count >= _STAY]
        if not stay.size:
            return []
        edges = [(int(column) + 1, int(self._sign[column])) for column in stay]
        width = len(mean)
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
