"""The crops of the pairs that are looked at: their pixels, and where in them is inside and where outline."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.classic.base import Pixels
from oresort.console.progress import track
from oresort.data.counts import read_counts, rows_of
from oresort.errors import InputError
from oresort.represent.mask import particle_mask
from oresort.represent.regions import Regions, check_masks, regions
from oresort.represent.representation import Representation
from oresort.xray.transmission import attenuation

Mask = NDArray[np.bool_]


class Crop(NamedTuple):
    """One pair at the detector's own resolution."""

    low: NDArray[np.uint16]  # counts (H, W)
    high: NDArray[np.uint16]
    masks: tuple[Mask, Mask]  # of both layers, (H, W)
    air: float
    background: str
    regions: Regions  # of the frame that the network sees, see `Canvas.frame`

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.low.shape
        return height, width

    @property
    def pixels(self) -> Pixels:
        """The attenuation of both layers, and where both see the particle."""
        mask = np.logical_and(*self.masks)
        return Pixels(attenuation(self.low, self.air), attenuation(self.high, self.air), mask)


class Left(NamedTuple):
    """A pair that is left out, and why."""

    id: str
    why: str


def read_crops(
    frame: pd.DataFrame, root: Path, representation: Representation
) -> tuple[list[int], list[Crop], list[Left]]:
    """Return which rows of a manifest can be looked at by their place, their crops, and those left out.

    Raises:
        InputError: an image that cannot be used.
    """
    places, crops, left = [], [], []
    rows = zip(frame["id"], rows_of(frame), strict=True)
    for place, (name, row) in enumerate(track(rows, len(frame), "reading pairs")):
        low, high = read_counts(root, row)
        masks = particle_mask(low, row.air, row.background), particle_mask(high, row.air, row.background)
        try:
            check_masks(*masks)
        except InputError as error:
            left.append(Left(str(name), str(error)))
            continue
        framed = regions(representation.geometry.frame(masks[0]), representation.geometry.frame(masks[1]))
        places.append(place)
        crops.append(Crop(low, high, masks, float(row.air), row.background, framed))
    return places, crops, left
