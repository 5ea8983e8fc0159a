"""One particle at the row of nozzles: which of them it passes, on which lines, and when each must blow."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.ejectors.settings import Ejectors


class Passage(NamedTuple):
    """The nozzles that a particle passes, and the lines on which it lies in the stripe of each."""

    nozzles: NDArray[np.int64]  # (n,), from 0
    first: NDArray[np.float64]  # (n,) line at which it begins there, a fraction where it was dilated
    stop: NDArray[np.float64]  # (n,) and at which it ends
    reached: bool  # all of its columns lie in some nozzle's stripe


class Shot(NamedTuple):
    """When one nozzle blows for one particle, commands of the valve, seconds since the first line began."""

    open: float
    close: float
    particle: int


def profile(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return first row and one past the last of each column of a mask (h, w), as (2, w): all that ejectors need.

    A column without a pixel has the rows h and 0.
    """
    height = len(mask)
    some = mask.any(axis=0)  # (w,)
    first = np.where(some, mask.argmax(axis=0), height)
    stop = np.where(some, height - mask[::-1].argmax(axis=0), 0)
    return np.stack([first, stop]).astype(np.int32)  # (2, w)


def passage(rows: NDArray[np.int32], x: int, y: int, plant: Ejectors, dilation: float = 0.0) -> Passage:
    """Return which nozzles a particle passes; a stripe is as wide as the nozzles' pitch, around the nozzle's centre.

    Args:
        rows: `profile` of its mask (2, w).
        x: first column of its box, from the scan's first.
        y: first line of its box, from the belt's first.
        plant: where nozzles are, and how large a pixel and a line.
        dilation: mm by which the particle is taken to be larger on each side, along and across the belt.
    """
    columns = x + np.arange(rows.shape[1] + 1)
    place = (columns * plant.pixel - plant.first_nozzle) / plant.nozzle_pitch + 0.5  # (w + 1,), edges, in stripes
    place = place.round(9)  # so that edges which only touch are told from those that overlap
    around = dilation / plant.nozzle_pitch
    left = np.floor(place[:-1] - around).astype(np.int64)  # (w,) first nozzle of each column
    right = np.ceil(place[1:] + around).astype(np.int64) - 1  # (w,) and last
    nozzles = np.arange(max(int(left[0]), 0), min(int(right[-1]), plant.nozzles - 1) + 1)  # (n,)
    seen = np.flatnonzero(rows[1] > rows[0])
    reached = bool(place[seen[0]] >= 0 and place[seen[-1] + 1] <= plant.nozzles) if seen.size else False
    if not nozzles.size:
        empty = np.zeros(0)
        return Passage(nozzles, empty, empty, reached)
    # of each nozzle the columns from the first whose last nozzle it is, both ascend
    ends = np.empty(2 * len(nozzles), np.int64)
    ends[::2] = np.searchsorted(right, nozzles)
    ends[1::2] = np.searchsorted(left, nozzles, side="right")
    # one column more, so that an end may lie behind the last one
    first = np.minimum.reduceat(np.append(rows[0], 0), ends)[::2]  # (n,)
    stop = np.maximum.reduceat(np.append(rows[1], 0), ends)[::2]
    there = stop > first
    along = dilation / plant.line_pitch  # lines
    return Passage(nozzles[there], y + first[there] - along, y + stop[there] + along, reached)


def times(passed: Passage, plant: Ejectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when the valves are told to open and to close (n,) each, seconds since the first line began.

    With t the time of the particle's first line there and t' the end of its last, d the distance, v the speed and j
    its jitter: open = t + d / (v (1 + j)) - open_delay - travel - margin, and close = t' + d / (v (1 - j)) - travel +
    margin, no sooner than the shortest pulse. Air is full from the first to the last edge of the particle and ends
    `close_delay` later, so it lasts length / v + close_delay, and margins.
    """
    opened = passed.first / plant.line_rate + plant.soonest - plant.before
    closed = passed.stop / plant.line_rate + plant.latest + (plant.margin - plant.travel) / 1_000
    return opened, np.maximum(closed, opened + plant.shortest_pulse / 1_000)


def passing(passed: Passage, plant: Ejectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return when a particle lies over each nozzle it passes at the belt's mean speed: from, and until (n,) each."""
    flight = plant.distance / 1_000 / plant.belt_speed
    return passed.first / plant.line_rate + flight, passed.stop / plant.line_rate + flight


def air(opened: float, closed: float, plant: Ejectors) -> tuple[float, float]:
    """Return from and until when there is air at the particle's place, of a valve's two commands, all in seconds."""
    return opened + (plant.open_delay + plant.travel) / 1_000, closed + (plant.close_delay + plant.travel) / 1_000
