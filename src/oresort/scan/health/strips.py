"""Dark strips too thin and long for rock: packets of a line or a few that a link lost."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.health.patches import CELL, Mask, opened

_DARK, _DEEP = 0.4, 0.08  # a strip's transmission over that around it, and how far it lies below
_THIN, _SHORT = (3, 12), (9, 64)  # lines (odd) that a dark strip is thinner than, columns from which it is no rock
_APART = 3  # cells: of a strip's, however thin, a quick look sees one
_TALL = np.ones((9, 1), np.uint8)
_EACH, _SHARE = np.arange(CELL), np.full(CELL, 1 / CELL, np.float32)


def strips(lines: NDArray[np.float32], dark: NDArray[np.bool_]) -> Mask | None:
    """Return dark strips on lines (n, L, W) of some layers, as a mask (n, L, W / 4); None where there are none.

    `dark` (L, W) are columns of which some pixel is darker than 0.4 of the brightest one: no others hold any.
    """
    rows, some = lines.reshape(len(lines), -1), _some_cells(*dark.shape)
    # nothing beside it counts in a strip's column, and most columns hold nothing dark
    some = some[_marked(dark.take(some))]
    if not len(some) or not _thin_somewhere(_means(rows, some)):
        return None
    layers, cells = len(dark), lines.shape[2] // CELL
    places = _marked(np.ascontiguousarray(dark[:, : cells * CELL]).reshape(-1, CELL))
    layer = places // cells
    columns = CELL * places + (lines.shape[2] - CELL * cells) * layer  # of lines as rows of L * W
    few = _means(rows, columns[:, None] + _EACH)  # (n, places)
    found: Mask | None = None
    for tall, wide in (_SHORT, _THIN):
        closed = cv2.morphologyEx(few, cv2.MORPH_CLOSE, _TALL[:tall], borderType=cv2.BORDER_REPLICATE)
        thin = few < np.float32(_DARK) * closed
        if thin.any():
            thin &= closed - few > _DEEP
        if not thin.any():  # the longer strips may be the thicker ones: where none is there is no thinner one
            break
        shown = np.zeros((len(lines), layers, cells + 1), np.uint8)  # layers shall not touch
        shown[:, layer, places % cells] = thin
        flat = shown.reshape(len(lines), -1)
        if (kept := opened(flat, 1, wide // CELL)).any():
            # a packet may end amid the cell beside these
            kept = np.asarray(cv2.dilate(kept, np.ones((1, 3), np.uint8)), np.uint8)
            found = kept if found is None else np.bitwise_or(found, kept)
    return None if found is None else found.reshape(shown.shape)[..., :-1]


@lru_cache(maxsize=8)
def _some_cells(layers: int, width: int) -> NDArray[np.intp]:
    """Return the columns (C, 4) of every third cell of each layer, in lines as rows of layers * `width`."""
    first = np.arange((_APART - 1) * CELL, width - CELL + 1, _APART * CELL)
    return (width * np.arange(layers)[:, None, None] + first[:, None] + _EACH).reshape(-1, CELL)


def _marked(dark: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return which cells (C, 4) hold anything dark."""
    return np.flatnonzero(dark.view(np.uint32))


def _means(lines: NDArray[np.float32], cells: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return means (n, C) of lines (n, W) over cells, of which the columns (C, 4) are given."""
    return np.asarray(lines.take(cells, 1) @ _SHARE, np.float32)


def _thin_somewhere(few: NDArray[np.float32]) -> bool:
    """Tell whether some strip may lie on lines, by every third of their cells (n, C): each strip covers one."""
    for tall, wide in (_SHORT, _THIN):
        closed = cv2.morphologyEx(few, cv2.MORPH_CLOSE, _TALL[:tall], borderType=cv2.BORDER_REPLICATE)
        thin = few < np.float32(_DARK) * closed
        if not thin.any():  # as in `strips`
            return False
        thin &= closed - few > _DEEP
        if np.count_nonzero(thin, axis=1).max() >= wide // (CELL * _APART):
            return True
    return False


def darker(darkest: NDArray[np.float32], brightest: float) -> NDArray[np.bool_]:
    """Return the columns in which `strips` may find something, of the darkest pixel of each and the brightest one."""
    return darkest < np.float32(_DARK * brightest)
