"""One particle and what was decided on it."""

from typing import NamedTuple

import numpy as np

from oresort.scan.segment.particle import FLAGS, Particle
from oresort.sorting.drift import PairFigures


class Decision(NamedTuple):
    """A particle, what was measured of it, and whether it is kept."""

    particle: Particle  # its y counts from the first line pushed; its mask may be gone
    area: int  # pixels
    mass_proxy: float  # sum of high attenuation over its pixels
    low_mean: float  # mean low attenuation l over them
    high_mean: float  # mean high attenuation h
    figures: PairFigures  # what the model was given of it, for the drift alarm
    p_ore: np.float32
    decision: str  # ore is kept, waste is thrown out
    reason: str  # threshold, or policy:<kind>

    @property
    def box(self) -> tuple[slice, slice]:
        """Lines from the first pushed, and columns of the scan."""
        return self.particle.box

    @property
    def flags(self) -> tuple[str, ...]:
        """Names of its flags, the gravest first; empty for a particle as it should be."""
        return tuple(flag for flag in FLAGS if getattr(self.particle, flag))
