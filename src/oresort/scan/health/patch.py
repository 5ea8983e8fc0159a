"""A faulty rectangle of a layer, and what is put in its place."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.scan.fault import MOST_COLUMNS, MOST_LINES
from oresort.scan.health.patches import REACH, Mask

_BRIDGED = REACH - 1  # lines of a part of the belt that are filled in without being known


class Patch(NamedTuple):
    """A faulty rectangle of one layer: lines since the first, columns of the belt."""

    kind: str
    top: int
    bottom: int
    left: int
    right: int
    mended: bool


def rectangles(mask: Mask, kind: str, top: int) -> list[Patch]:
    """Return the rectangles about what is connected in a mask (n, W) whose first line is `top`."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    return [Patch(kind, top + y, top + y + h, x, x + w, False) for x, y, w, h, _ in stats[1:].tolist()]


def mend(lines: NDArray[np.float32], patch: Patch, top: int) -> bool:
    """Fill a rectangle in place, from the lines or the columns beside it where few are missing; else as bare belt.

    A part of some lines is bridged as well, so that a large particle stays one, but counts as unknown.
    """
    rows, columns = slice(patch.top - top, patch.bottom - top), slice(patch.left, patch.right)
    height, width = patch.bottom - patch.top, patch.right - patch.left
    if patch.kind == "bright":  # what is seen of it are the brightest squares: what lies beside them may be as wrong
        lines[rows, columns] = 1
        return False
    most = MOST_LINES if width == lines.shape[1] else _BRIDGED
    if height <= most and width > height and rows.start > 0 and rows.stop < len(lines):
        share = (np.arange(1, height + 1, dtype=np.float32) / (height + 1))[:, None]  # (h, 1)
        lines[rows, columns] = (1 - share) * lines[rows.start - 1, columns] + share * lines[rows.stop, columns]
        return height <= MOST_LINES
    if width <= MOST_COLUMNS and patch.left > 0 and patch.right < lines.shape[1]:
        share = np.arange(1, width + 1, dtype=np.float32) / (width + 1)  # (w,)
        left, right = lines[rows, patch.left - 1 : patch.left], lines[rows, patch.right : patch.right + 1]  # (h, 1)
        lines[rows, columns] = (1 - share) * left + share * right
        return True
    lines[rows, columns] = 1
    return False
