"""Where the particles of a scan lie."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from oresort.files.dataset import Cutting
from oresort.represent.mask import foreground
from oresort.scan.calibrate.air import belt_columns

MaskRule = Callable[[NDArray[np.uint16], float], NDArray[np.bool_]]
"""From one layer's counts (H, W) and its air level to the mask (H, W) of what lies on the belt."""

_EIGHT = np.ones((3, 3), dtype=np.bool_)  # pixels that meet at a corner belong together


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


def find_particles(
    low: NDArray[np.uint16], air: float, *, rule: MaskRule = foreground, min_area: int = Cutting.min_area
) -> list[Particle]:
    """Find the connected particles of a scan; touching ones count as one.

    Args:
        low: low-energy layer (H, W) in counts, which has more contrast than the high-energy one.
        air: air level of `low` in counts.
        rule: what counts as covered.
        min_area: smaller ones are dropped as specks, pixels.

    Returns:
        Particles by y, then x; none for an empty belt.
    """
    columns = belt_columns(low)
    # the belt alone: smoothing across its side would mix in the full-scale columns beyond
    belt = low[:, columns]
    labels, _ = ndimage.label(rule(belt, air), structure=_EIGHT)
    particles = []
    for label, (rows, cols) in enumerate(ndimage.find_objects(labels), start=1):
        mask = labels[rows, cols] == label
        if mask.sum() < min_area:
            continue
        particles.append(
            Particle(
                x=cols.start + columns.start,
                y=rows.start,
                w=cols.stop - cols.start,
                h=rows.stop - rows.start,
                clipped=0 in (rows.start, cols.start)
                or rows.stop == belt.shape[0]
                or cols.stop == belt.shape[1],
                mask=mask,
            )
        )
    return sorted(particles, key=lambda particle: (particle.y, particle.x))
