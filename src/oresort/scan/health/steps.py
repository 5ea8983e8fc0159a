"""Columns whose gain has changed since the calibration: straight edges along the belt that stay where they are."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_STEP = 0.04  # of air between neighbours: a thin rim attenuates 0.05, so less makes no particle
_SIGMAS = 6.0  # of a stretch's mean, which noise must not reach
_STRETCH = 32  # lines that are averaged, at least: noise of 3.5 % then hides no step of 7 %
_STAY = 3  # stretches for which an edge lies at one column: 38 mm, and no rock's edge is so straight
_WIDEST = 512  # columns of a module, or of some side by side
_BESIDE = np.array([[-2], [-1], [1], [2]])  # pixels around one
_SHIFT = 10  # columns by which layers lie off each other, at most, on a belt of 1.05 m
_BARE = 0.025  # of air, which a stretch of bare belt is not off
_END = 256  # columns from the belt's end up to which one edge alone means a module there


class Steps:
    """Follows the edges between the columns of layers, one stretch of lines after the other.

    Args:
        noise: of pixels (L, W).
    """

    def __init__(self, noise: NDArray[np.float32]) -> None:
        layers, self._width = noise.shape
        # an edge lies at the column before it, all layers in one row, with two places before each layer's first one
        self._row = self._width + 3
        # of a difference of two pixels, and as many of their sums as may be there by chance
        sums = np.full((layers, self._row), np.inf, np.float32)
        sums[:, 2:-2] = np.float32(_SIGMAS * np.sqrt(2)) * np.maximum(noise[:, 1:], noise[:, :-1])
        self._noise = sums.ravel()  # (L * (W + 3),)
        self._places = np.empty(0, np.intp)  # of edges
        self._sign = np.zeros(layers * self._row, np.int8)
        self._count = np.zeros(layers * self._row, np.int32)  # stretches for which each edge has been there
        self._total, self._lines = np.zeros(noise.shape, np.float32), 0  # of the present stretch
        self._found: list[list[slice]] = [[] for _ in noise]  # after the last one

    def add(self, total: NDArray[np.float32], lines: int) -> list[list[slice]]:
        """Take the sum (L, W) of the next lines of levelled transmission, so many.

        Return of each layer the columns between two edges that stay.
        """
        self._total += total
        self._lines += lines
        if self._lines >= _STRETCH:
            self._found = self._look(self._total / np.float32(self._lines), self._lines)
            self._total[:], self._lines = 0, 0
        return self._found

    def _look(self, mean: NDArray[np.float32], lines: int) -> list[list[slice]]:
        """Look at the mean (L, W) of so many lines."""
        step = np.zeros((len(mean), self._row), np.float32)
        np.subtract(mean[:, 1:], mean[:, :-1], out=step[:, 2:-2])
        height = np.abs(step).ravel()  # (L * (W + 3),)
        places = np.flatnonzero(height > np.float32(_STEP))
        places = places[height[places] > self._noise[places] / np.float32(np.sqrt(lines))]
        # a rock's edge is a slope of some pixels, or wanders over them
        beside = height[places + _BESIDE].max(axis=0)  # (n,)
        places = places[beside < height[places] / 2]
        sign = np.sign(step.ravel()[places]).astype(np.int8)
        count = np.where(sign == self._sign[places], self._count[places] + 1, 1)
        count[[self._alone(place, mean, lines) for place in places.tolist()]] += _STAY
        self._sign[self._places] = self._count[self._places] = 0
        self._sign[places], self._count[places], self._places = sign, count, places
        edges: list[list[tuple[int, int]]] = [[] for _ in mean]
        for place in places[count >= _STAY].tolist():
            layer, column = divmod(place, self._row)
            edges[layer].append((column - 1, int(self._sign[place])))
        return [_between(own, layer) for own, layer in zip(edges, mean, strict=True)]

    def _alone(self, place: int, mean: NDArray[np.float32], lines: int) -> bool:
        """Tell whether all other layers show bare belt about an edge of one: no rock is seen by that layer alone."""
        layer, column = divmod(place, self._row)
        others = np.delete(mean, layer, axis=0)[:, max(column - 1 - _SHIFT, 0) : column - 1 + _SHIFT]
        most = _BARE + float(self._noise[place]) / np.sqrt(2 * lines)
        return others.size > 0 and bool(np.abs(others - 1).max() < most)


def _between(edges: list[tuple[int, int]], mean: NDArray[np.float32]) -> list[slice]:
    """Return the columns between two edges, each at a column and with a sign, of a layer's mean (W,)."""
    if not edges:
        return []
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
