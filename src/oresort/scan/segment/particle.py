"""One particle of a scan."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FLAGS = ("clipped", "touching", "parted")
"""Flags of a particle, the gravest first; `Particle` says what each means."""


@dataclass(frozen=True)
class Particle:
    """One particle of a scan: its box and, inside it, its mask, both on the low layer's pixel grid."""

    x: int
    """First column."""
    y: int
    """First row."""
    w: int
    """Columns."""
    h: int
    """Rows."""
    clipped: bool
    """It touches the border of the scan or of the belt, so a part of it may be missing."""
    mask: NDArray[np.bool_] = field(repr=False, compare=False)
    """Its pixels (h, w); others inside the box are belt or neighbours."""
    touching: bool = False
    """It may hold more than one particle: its shape says so, and gave no place to part them."""
    parted: bool = False
    """It touched a neighbour and was parted from it, so its rim there is an estimate."""

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns, to index a scan."""
        return slice(self.y, self.y + self.h), slice(self.x, self.x + self.w)
