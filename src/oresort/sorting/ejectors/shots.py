"""One particle at the row of nozzles: which of them it passes, on which lines, and when each must blow."""

import math
from bisect import bisect_left, bisect_right
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.ejectors.settings import Ejectors

_DIGITS = 9  # of a column, so that edges which only touch are told from those that overlap


class Profile(NamedTuple):
    """All that ejectors need of a mask: of each column first row and one past the last; h and 0 where it is empty."""

    first: list[int]  # (w,)
    stop: list[int]  # (w,)


class Passage(NamedTuple):
    """The nozzles that a particle passes, and the lines on which it lies in the stripe of each."""

    nozzles: list[int]  # (n,), from 0
    first: list[float]  # (n,) line at which it begins there, a fraction where it was dilated
    stop: list[float]  # (n,) and at which it ends
    reached: bool  # all of its columns lie in some nozzle's stripe


class Shot(NamedTuple):
    """When one nozzle blows for one particle, commands of the valve, seconds since the first line began."""

    open: float
    close: float
    particle: int


class _Stripes(NamedTuple):
    first: list[int]  # of each nozzle, the first column that reaches into its stripe
    stop: list[int]  # and one past the last; both ascend
    ends: tuple[int, int]  # columns that lie in the stripes as they are, from and up to


def profile(mask: NDArray[np.bool_]) -> Profile:
    """Return the profile of a mask (h, w)."""
    height = len(mask)
    first, stop = mask.argmax(axis=0), height - mask[::-1].argmax(axis=0)  # (w,) each
    empty = ~mask.any(axis=0)
    first[empty], stop[empty] = height, 0
    return Profile(first.tolist(), stop.tolist())


def passage(rows: Profile, x: int, y: int, plant: Ejectors, dilation: float = 0.0) -> Passage:
    """Return which nozzles a particle passes; a stripe is as wide as the nozzles' pitch, around the nozzle's centre.

    Args:
        rows: `profile` of its mask.
        x: first column of its box, from the scan's first.
        y: first line of its box, from the belt's first.
        plant: where nozzles are, and how large a pixel and a line.
        dilation: mm by which the particle is taken to be larger on each side, along and across the belt.
    """
    stripes = _stripes(plant, dilation)
    width = len(rows.first)
    along = dilation / plant.line_pitch  # lines
    found = Passage([], [], [], _reached(rows, x, stripes.ends))
    for nozzle in range(bisect_right(stripes.stop, x), bisect_left(stripes.first, x + width)):
        # arrays this short are slower than lists
        here = slice(max(stripes.first[nozzle] - x, 0), stripes.stop[nozzle] - x)
        first, stop = min(rows.first[here]), max(rows.stop[here])
        if stop > first:
            found.nozzles.append(nozzle)
            found.first.append(y + first - along)
            found.stop.append(y + stop + along)
    return found


def times(passed: Passage, plant: Ejectors) -> tuple[list[float], list[float]]:
    """Return when the valves are told to open and to close (n,) each, seconds since the first line began.

    With t the time of the particle's first line there and t' the end of its last, d the distance, v the speed and j
    its jitter: open = t + d / (v (1 + j)) - open_delay - travel - margin, and close = t' + d / (v (1 - j)) - travel +
    margin, no sooner than the shortest pulse. Air is full from the first to the last edge of the particle and ends
    `close_delay` later, so it lasts length / v + close_delay, and margins.
    """
    sooner, later = plant.soonest - plant.before, plant.latest + (plant.margin - plant.travel) / 1_000
    least = plant.shortest_pulse / 1_000
    opened = [line / plant.line_rate + sooner for line in passed.first]
    closed = [line / plant.line_rate + later for line in passed.stop]
    return opened, [max(stop, start + least) for start, stop in zip(opened, closed, strict=True)]


def passing(passed: Passage, plant: Ejectors) -> tuple[list[float], list[float]]:
    """Return when a particle lies over each nozzle it passes at the belt's mean speed: from, and until (n,) each."""
    flight = plant.distance / 1_000 / plant.belt_speed
    return (
        [line / plant.line_rate + flight for line in passed.first],
        [line / plant.line_rate + flight for line in passed.stop],
    )


def air(opened: float, closed: float, plant: Ejectors) -> tuple[float, float]:
    """Return from and until when there is air at the particle's place, of a valve's two commands, all in seconds."""
    return opened + (plant.open_delay + plant.travel) / 1_000, closed + (plant.close_delay + plant.travel) / 1_000


@lru_cache(maxsize=8)
def _stripes(plant: Ejectors, dilation: float) -> _Stripes:
    edges = [plant.first_nozzle + (k - 0.5) * plant.nozzle_pitch for k in range(plant.nozzles + 1)]  # mm
    # a column c is c to c + 1 pixels wide, and `dilation` more on each side
    first = [math.floor(round((edge - dilation) / plant.pixel, _DIGITS)) for edge in edges[:-1]]
    stop = [math.ceil(round((edge + dilation) / plant.pixel, _DIGITS)) for edge in edges[1:]]
    ends = (round(edge / plant.pixel, _DIGITS) for edge in (edges[0], edges[-1]))
    return _Stripes(first, stop, (math.ceil(next(ends)), math.floor(next(ends))))


def _reached(rows: Profile, x: int, ends: tuple[int, int]) -> bool:
    width = len(rows.first)
    left = next((k for k in range(width) if rows.stop[k] > rows.first[k]), width)
    right = next((k for k in reversed(range(width)) if rows.stop[k] > rows.first[k]), -1)
    return left <= right and x + left >= ends[0] and x + right < ends[1]
