"""One particle that was found, with all that it takes to cut it: apart from the belt, so that another process can."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.resample import Taps, taps
from oresort.scan.segment.particle import Particle


class Around(NamedTuple):
    """A layer's transmission about a particle, as far as the scan goes."""

    values: NDArray[np.float32]  # (H, W)
    top: int  # line of its first row
    left: int  # belt column of its first one


class Uncut(NamedTuple):
    """One particle, and the lines about it."""

    particle: Particle  # whether its layers agree is not known yet
    low: NDArray[np.float32]  # transmission (h, w) in its box
    others: NDArray[np.bool_]  # (h, w), what else is covered there
    placed: Around | None  # the high layer about where the low one sees it; None: registration is not known
    own: Around | None  # the high layer about the same box; None: crops are registered
    noise: NDArray[np.float32]  # of the columns of `own` (W,), else (0,)


def seen_columns(calibration: Calibration) -> Taps:
    """Return what to take of the high layer's belt columns for each of the low one's (W of the belt)."""
    belt, fit = calibration.belt, calibration.registration
    scale, offset = (1.0, 0.0) if fit is None else (fit.scale, fit.column_offset)
    width = belt.stop - belt.start
    return taps(scale * belt.start + offset - belt.start, scale, width, width)
