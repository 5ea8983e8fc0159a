"""Pixels of a layer that cannot be rock or air: each rule finds one way in which a detector or a link fails.

Every rule takes lines (n, W) of the belt, about 1 where it is bare, or a `Look` at them, and gives a mask (n, W) or
None for none. The look tells most of them in no time that nothing is wrong, which is nearly always.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.fault import MOST_COLUMNS
from oresort.scan.health.look import CELL, PART, Look, Places, along_columns

REACH = 8  # lines before and after it that decide about a line

_ROCK = 0.08  # transmission that is opaque in no pixel beside an opaque one, but for a fault
_AIR = 0.5  # transmission above which a pixel beside such a one is not its blurred rim
_WIDE, _TALL = 8, 6  # pixels along and lines across that repeat only where nothing is read: each does by chance 1/300
_EDGE = 8  # pixels of a straight edge without any blur, which no rock has
_DARK, _DEEP = 0.4, 0.08  # a strip's transmission over that around it, and how far it lies below
_THIN, _SHORT = (3, 12), (9, 64)  # lines (odd) that a dark strip is thinner than, columns from which it is no rock
_SQUARE = 8  # pixels: brightness is looked at in means of 8 x 8, whose noise is at most 1 %
_NOISY, _DIFFERENCE = 4.0, 1.13  # times the usual; mean difference of two pixels over their standard deviation
_RIMS = 0.15  # what rims of rocks may add to a mean difference
_BRIGHT = 0.10  # over air, from which it is no noise

Mask = NDArray[np.uint8]
Seen = Callable[[], NDArray[np.bool_]]
"""Says where (n, W) anything but opaque is; asked only where something is found."""


def repeating(counts: NDArray[np.uint16], look: Look, seen: Seen) -> Mask | None:
    """Return pixels that read what those beside them or above them read: stuck, frozen, filled in.

    `counts` (n, W) as they came.
    """
    found: Mask | None = None
    for places, kernels in ((look.above, ((_WIDE, 1), (1, _TALL))), (look.beside, ((_WIDE, 1),))):
        if not _many(places):
            continue
        same = np.zeros(counts.shape, np.bool_)
        if places is look.above:
            np.equal(counts[1:], counts[:-1], out=same[1:])
        else:
            np.equal(counts[:, 1:], counts[:, :-1], out=same[:, 1:])
        marks = (same & seen()).view(np.uint8)
        for wide, tall in kernels:
            kept = _open(marks, tall, wide)
            if kept.any():
                if tall > 1:  # the first of a run has no like above it
                    kept = np.asarray(cv2.dilate(kept, np.ones((2, 1), np.uint8), anchor=(0, 0)), np.uint8)
                found = kept if found is None else np.bitwise_or(found, kept)
    return found


def steady(look: Look, quiet: NDArray[np.uint16], seen: Seen) -> Mask | None:
    """Return columns that hardly change over 16 lines and more: `quiet` (W,) is the range, in counts, that is none."""
    marks: Mask | None = None
    most, least = look.highest, look.lowest  # (parts, W)
    for part in range(0, len(most) - 1, 2):
        if not look.still[part : part + 2].all():
            continue
        still = np.maximum(most[part], most[part + 1]) - np.minimum(least[part], least[part + 1]) < quiet  # (W,)
        lines = slice(part * PART, (part + 2) * PART)
        if still.any() and (still := still & seen()[lines].all(axis=0)).any():
            marks = np.zeros((len(look.least), len(quiet)), np.uint8) if marks is None else marks
            marks[lines, still] = 1
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
    seeds = _open(down, 1, _EDGE) | _open(side, _EDGE, 1)
    thin = _open(marks & ~_open(marks, 1, MOST_COLUMNS + 1), _EDGE, 1)
    if thin.any():  # a dead column on rock: brighter at once on both sides, though not as air is
        bright = transmission > _ROCK
        left, right = np.zeros(dark.shape, np.uint8), np.zeros(dark.shape, np.uint8)
        left[:, 1:], right[:, :-1] = dark[:, 1:] & bright[:, :-1], dark[:, :-1] & bright[:, 1:]
        wide = np.ones((1, 2 * MOST_COLUMNS - 1), np.uint8)
        for edge in (left, right):
            thin &= np.asarray(cv2.dilate(_open(edge, _EDGE, 1), wide), np.uint8)
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
    """Mean differences between neighbours that noise (W,) and rock do not reach, of columns and along lines."""

    def __init__(self, noise: NDArray[np.float32]) -> None:
        usual = np.float32(_NOISY * _DIFFERENCE) * noise
        self.width, self.wide = len(noise), along_columns(len(noise))
        few = (self.width - 1) // self.wide
        self.down = np.maximum(usual, _RIMS)  # (W,)
        self.along = np.maximum(usual[: few * self.wide].reshape(few, -1).max(axis=1, initial=0), _RIMS)  # (few,)


def noisy(look: Look, limits: Limits) -> Mask | None:
    """Return columns, and stretches of lines, that differ from pixel to pixel far more than noise and rock do."""
    across = np.zeros(limits.width, np.bool_)
    if len(look.down):
        across = cv2.reduce(look.down, 0, cv2.REDUCE_AVG)[0] > limits.down  # (W,)
    hot = (look.along > limits.along).view(np.uint8)  # (n, few)
    if not across.any() and not hot.any():
        return None
    mask = np.zeros((len(hot), limits.width), np.uint8)
    if hot.any():
        grown = cv2.dilate(hot, np.ones((1, 3), np.uint8))  # noise may begin amid the stretch beside
        wide = np.repeat(grown, limits.wide, axis=1)
        mask[:, : wide.shape[1]] = wide
        mask[:, wide.shape[1] :] = wide[:, -1:]
    mask[:, across] = 1
    return mask


def strips(cells: NDArray[np.float32]) -> Mask | None:
    """Return dark strips, of `Look.cells`, too thin and long for rock: packets of a line or a few."""
    most = cells.max(axis=0, initial=0)  # (W / 4,)
    least = cells.min(axis=0, initial=np.inf)
    # nothing beside it counts in a strip's column, and most columns hold nothing dark
    places = np.flatnonzero((least < _DARK * most) & (most - least > _DEEP))
    if len(places) < min(columns for _, columns in (_THIN, _SHORT)) // CELL:
        return None
    few = cells[:, places]
    found: Mask | None = None
    for lines, columns in (_SHORT, _THIN):
        closed = cv2.morphologyEx(few, cv2.MORPH_CLOSE, np.ones((lines, 1), np.uint8), borderType=cv2.BORDER_REPLICATE)
        thin = (few < _DARK * closed) & (closed - few > _DEEP)
        if not thin.any():  # the longer strips may be the thicker ones: where none is there is no thinner one
            break
        dark = np.zeros(cells.shape, np.uint8)
        dark[:, places] = thin
        if (kept := _open(dark, 1, columns // CELL)).any():
            # a packet may end amid the cell beside these
            kept = np.asarray(cv2.dilate(kept, np.ones((1, 3), np.uint8)), np.uint8)
            found = kept if found is None else np.bitwise_or(found, kept)
    return found


def glaring(look: Look) -> Mask | None:
    """Return what of `Look.cells` is brighter than air: nothing on a belt adds to it."""
    height, width = look.cells.shape
    if height % _SQUARE == 0 and look.brightest.max(initial=0) <= 1 + _BRIGHT:
        return None  # a square is not brighter than the brightest column in it
    size = max(width // 2, 1), max(height // _SQUARE, 1)
    squares = cv2.resize(look.cells, size, interpolation=cv2.INTER_AREA)  # (n / 8, W / 8)
    bright = (squares > 1 + _BRIGHT).view(np.uint8)
    if not bright.any():
        return None
    grown = cv2.dilate(bright, np.ones((3, 3), np.uint8))  # a square of which a part is bright may not show it
    return np.asarray(cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def widened(mask: Mask, width: int) -> Mask:
    """Return a mask of `Look.cells` as one of all columns (n, `width`)."""
    whole = np.repeat(mask, CELL, axis=1)
    return np.pad(whole, ((0, 0), (0, width - whole.shape[1])), mode="edge")


def _many(places: Places) -> bool:
    """Tell whether so many of some pixels lie on one line, or in one column, that more than chance may be there."""
    rows, columns = places
    if len(rows) < min(_WIDE, _TALL):
        return False
    columns = np.sort(columns)
    on_a_line, in_a_column = rows[_WIDE - 1 :] == rows[: 1 - _WIDE], columns[_TALL - 1 :] == columns[: 1 - _TALL]
    return bool(on_a_line.any() or in_a_column.any())


def _open(marks: Mask, tall: int, wide: int) -> Mask:
    # an even kernel has no middle: OpenCV's own opening would move what it keeps by a pixel
    kernel, middle = np.ones((tall, wide), np.uint8), (wide // 2, tall // 2)
    kept = cv2.erode(marks, kernel, anchor=middle, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    mirrored = (wide - 1 - middle[0], tall - 1 - middle[1])
    return np.asarray(
        cv2.dilate(kept, kernel, anchor=mirrored, borderType=cv2.BORDER_CONSTANT, borderValue=0), np.uint8
    )
