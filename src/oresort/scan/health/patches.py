"""Pixels of a layer that cannot be rock or air: each rule finds one way in which a detector or a link fails.

Every rule takes lines (n, W) of the belt, about 1 where it is bare, and gives a mask (n, W) or None for none. All of
them cost a few passes over the pixels where nothing is wrong, which is nearly always.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.fault import MOST_COLUMNS

REACH = 8  # lines before and after it that decide about a line

OPAQUE = np.float32(0.02)  # transmission below which a particle may read alike everywhere: there only edges tell
_ROCK = 0.08  # transmission that is opaque in no pixel beside an opaque one, but for a fault
_AIR = 0.5  # transmission above which a pixel beside such a one is not its blurred rim
WIDE, TALL = 8, 6  # pixels along and lines across that repeat only where nothing is read: each does by chance 1/300
_EDGE = 8  # pixels of a straight edge without any blur, which no rock has
BESIDE = _EDGE + MOST_COLUMNS  # columns beyond an opaque pixel that decide whether it has an edge
STRETCH = 16  # lines over which no live column stays the same
CELL = 4  # columns: strips and brightness are looked for in means of so many
SQUARE = 8  # pixels: brightness is looked at in means of 8 x 8, whose noise is at most 1 %
_NOISY, _DIFFERENCE = 4.0, 1.13  # times the usual; mean difference of two pixels over their standard deviation
_ALONG, _RIMS = 32, 0.15  # columns that a mean along a line is taken of; what rims of rocks may add to a mean
_OVER, _RESTLESS = 1.3, 0.035  # times the usual, at least: what a column may change by more than both beside it
BRIGHT = 0.10  # over air, from which it is no noise

Mask = NDArray[np.uint8]
Seen = Callable[[], NDArray[np.bool_]]
"""Says where (n, W) anything but opaque is; asked only where something is found."""


def repeating(counts: NDArray[np.uint16], seen: Seen) -> Mask | None:
    """Return pixels that read what those beside them or above them read: stuck, frozen, filled in.

    `counts` (n, W) as they came.
    """
    above = np.zeros(counts.shape, np.bool_)
    np.equal(counts[1:], counts[:-1], out=above[1:])
    beside = np.zeros(counts.shape, np.bool_)
    np.equal(counts[:, 1:], counts[:, :-1], out=beside[:, 1:])
    found: Mask | None = None
    for same, kernels in ((above, ((WIDE, 1), (1, TALL))), (beside, ((WIDE, 1),))):
        marks = same.view(np.uint8)
        along = cv2.reduce(marks, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
        across = cv2.reduce(marks, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
        if along.max(initial=0) < WIDE and across.max(initial=0) < TALL:
            continue
        marks = (same & seen()).view(np.uint8)
        for wide, tall in kernels:
            kept = opened(marks, tall, wide)
            if kept.any():
                if tall > 1:  # the first of a run has no like above it
                    kept = np.asarray(cv2.dilate(kept, np.ones((2, 1), np.uint8), anchor=(0, 0)), np.uint8)
                found = kept if found is None else np.bitwise_or(found, kept)
    return found


def steady(counts: NDArray[np.uint16], quiet: NDArray[np.uint16], seen: Seen) -> Mask | None:
    """Return columns that hardly change over 16 lines and more: `quiet` (W,) is the range, in counts, that is none.

    `counts` (n, W) as they came.
    """
    marks: Mask | None = None
    for start in range(0, max(len(counts) - STRETCH + 1, 0), STRETCH):
        part = slice(start, start + STRETCH)
        still = counts[part].max(axis=0) - counts[part].min(axis=0) < quiet  # (W,)
        if still.any() and (still := still & seen()[part].all(axis=0)).any():
            marks = np.zeros(counts.shape, np.uint8) if marks is None else marks
            marks[part, still] = 1
    return marks


def edged(transmission: NDArray[np.float32], dark: NDArray[np.bool_], going_on: NDArray[np.bool_]) -> Mask | None:
    """Return opaque pixels with a straight edge against air, or below columns `going_on` (W,) that were such before.

    `dark` (n, W) is where `transmission` is opaque.
    """
    if not dark.any():
        return None
    air = transmission > _AIR
    down = np.zeros(dark.shape, np.uint8)  # an edge of one line: air above it or below it
    down[1:] |= dark[1:] & air[:-1]
    down[:-1] |= dark[:-1] & air[1:]
    side = np.zeros(dark.shape, np.uint8)
    side[:, 1:] |= dark[:, 1:] & air[:, :-1]
    side[:, :-1] |= dark[:, :-1] & air[:, 1:]
    marks = dark.view(np.uint8)
    seeds = opened(down, 1, _EDGE) | opened(side, _EDGE, 1)
    thin = opened(marks & ~opened(marks, 1, MOST_COLUMNS + 1), _EDGE, 1)
    if thin.any():  # a dead column on rock: brighter at once on both sides, though not as air is
        bright = transmission > _ROCK
        left, right = np.zeros(dark.shape, np.uint8), np.zeros(dark.shape, np.uint8)
        left[:, 1:], right[:, :-1] = dark[:, 1:] & bright[:, :-1], dark[:, :-1] & bright[:, 1:]
        wide = np.ones((1, 2 * MOST_COLUMNS - 1), np.uint8)
        for edge in (left, right):
            thin &= np.asarray(cv2.dilate(opened(edge, _EDGE, 1), wide), np.uint8)
        seeds |= thin
    seeds[0] |= dark[0] & going_on
    if not seeds.any():
        return None
    count, labels = cv2.connectedComponents(marks, connectivity=8, ltype=cv2.CV_32S)
    chosen = np.zeros(count, np.bool_)
    chosen[labels[seeds > 0]] = True
    chosen[0] = False
    return np.asarray(chosen[labels], np.uint8)


class Limits:
    """Mean differences between neighbours that noise (W,) and rock do not reach: columns, these over others, lines."""

    def __init__(self, noise: NDArray[np.float32]) -> None:
        usual = np.float32(_NOISY * _DIFFERENCE) * noise
        self.wide = max(min(_ALONG, len(noise) - 1), 1)  # columns that a mean along a line is taken of
        self.columns = (len(noise) - 1) // self.wide * self.wide
        self.down = np.maximum(usual, np.float32(_RIMS))  # (W,)
        self.over = np.maximum(np.float32(_OVER / _NOISY) * usual, np.float32(_RESTLESS))  # (W,)
        groups = usual[: self.columns].reshape(-1, self.wide)
        self.along = np.maximum(groups.max(axis=1, initial=0), np.float32(_RIMS))  # (W / 32,)


def noisy(lines: NDArray[np.float32], limits: Limits) -> Mask | None:
    """Return columns, and stretches of lines, that differ from pixel to pixel far more than noise and rock do."""
    down = np.asarray(cv2.absdiff(lines[1:], lines[:-1]).mean(axis=0), np.float32)
    across = (down > limits.down) | (restless(down) > limits.over)  # (W,)
    step = np.asarray(cv2.absdiff(lines[:, 1:], lines[:, :-1]), np.float32)
    if across.any():  # what is known makes no stretch about it restless
        step[:, across[1:] | across[:-1]] = 0
    hot = (means(step[:, : limits.columns], limits.wide) > limits.along).view(np.uint8)  # (n, W / 32)
    if not across.any() and not hot.any():
        return None
    mask = np.zeros(lines.shape, np.uint8)
    if hot.size:
        grown = cv2.dilate(hot, np.ones((1, 3), np.uint8))  # noise may begin amid the stretch beside
        wide = np.repeat(grown, limits.wide, axis=1)
        mask[:, : wide.shape[1]] = wide
        mask[:, wide.shape[1] :] = wide[:, -1:]
    mask[:, across] = 1
    return mask


def restless(down: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how much columns (..., W) change `down` the belt beyond the sum of two neighbours, one at each side.

    Dark rock hides a pixel that comes and goes, but is as dark beside it. The two lie outside all that can be mended,
    and a rock's rim is as restless in one of them; the greatest of sound belts is 0.025, over 31 steps.
    """
    away = MOST_COLUMNS + 1
    if down.shape[-1] <= 2 * away:
        return np.zeros_like(down)
    more = down.copy()
    more[..., away:] -= down[..., :-away]
    more[..., :-away] -= down[..., away:]
    more[..., :away] -= down[..., away : 2 * away]  # at the belt's sides one counts twice
    more[..., -away:] -= down[..., -2 * away : -away]
    return more


def narrowed(transmission: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means of four columns, (n, W / 4), for `glaring`; up to three columns are left over."""
    return means(transmission, CELL)


def glaring(cells: NDArray[np.float32]) -> Mask | None:
    """Return what of `narrowed` transmission is brighter than air: nothing on a belt adds to it."""
    height, width = cells.shape
    size = max(width // 2, 1), max(height // SQUARE, 1)
    squares = cv2.resize(cells, size, interpolation=cv2.INTER_AREA)  # (n / 8, W / 8)
    bright = (squares > 1 + BRIGHT).view(np.uint8)
    if not bright.any():
        return None
    grown = cv2.dilate(bright, np.ones((3, 3), np.uint8))  # a square of which a part is bright may not show it
    return np.asarray(cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def widened(mask: Mask, width: int) -> Mask:
    """Return a mask of `narrowed` transmission as one of all columns (n, `width`)."""
    whole = np.repeat(mask, CELL, axis=1)
    return np.pad(whole, ((0, 0), (0, width - whole.shape[1])), mode="edge")


def means(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return means (n, W / `count`) of neighbours; a product takes a third of the time of resizing."""
    few = values.shape[1] // count
    groups = values[:, : few * count].reshape(len(values), few, count)
    return np.asarray(groups @ np.full(count, 1 / count, np.float32), np.float32)


def opened(marks: Mask, tall: int, wide: int) -> Mask:
    """Return what of marks (n, W) lies in a rectangle of them, `tall` lines by `wide` columns."""
    # an even kernel has no middle: OpenCV's own opening would move what it keeps by a pixel
    kernel, middle = np.ones((tall, wide), np.uint8), (wide // 2, tall // 2)
    kept = cv2.erode(marks, kernel, anchor=middle, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    mirrored = (wide - 1 - middle[0], tall - 1 - middle[1])
    return np.asarray(
        cv2.dilate(kept, kernel, anchor=mirrored, borderType=cv2.BORDER_CONSTANT, borderValue=0), np.uint8
    )
