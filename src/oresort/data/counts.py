"""The images of a manifest's rows, read as their rows say that they are."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.represent.sound import check_box


class Row(NamedTuple):
    """What a manifest says of one pair's images."""

    low: str
    high: str
    air: float
    background: str
    w: float  # pixels; NaN where it is not known
    h: float


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return what a manifest says of its pairs' images, in its order."""
    return [Row(*values) for values in zip(*(frame[name] for name in Row._fields), strict=True)]


def read_counts(root: Path, row: Row) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return both layers (H, W) of a pair.

    Raises:
        InputError: an image that cannot be used, is of a single value, or of another size than its row says.
    """
    layers = read_pair(root / row.low, root / row.high)
    for image, path in zip(layers, (row.low, row.high), strict=True):
        if image.min() == image.max():
            raise InputError(f"{root / path}: every pixel is {image.flat[0]}; scan it again or take it out")
    check_box(str(root / row.low), layers[0], (row.w, row.h))  # which the other layer's size is, too
    return layers
