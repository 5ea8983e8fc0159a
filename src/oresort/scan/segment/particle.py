"""One particle of a scan."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FLAGS = ("faulty", "clipped", "touching", "parted", "mended")  # of a particle, the gravest first


@dataclass(frozen=True)
class Particle:
    """One particle of a scan: its box and, inside it, its mask, both on the low layer's pixel grid."""

    x: int  # first column
    y: int  # first row
    w: int
    h: int
    clipped: bool  # it touches the border of the scan or of the belt, so a part of it may be missing
    mask: NDArray[np.bool_] = field(repr=False, compare=False)  # (h, w); other pixels are belt or neighbours
    touching: bool = False  # may be more than one particle: its shape says so, and gave no place to part them
    parted: bool = False  # it touched a neighbour and was parted from it, so its rim there is an estimate
    faulty: bool = False  # pixels in it or at its rim are not known, or its two layers do not agree
    mended: bool = False  # some of its pixels are interpolated over dead columns or lost lines

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns, to index a scan."""
        return slice(self.y, self.y + self.h), slice(self.x, self.x + self.w)
