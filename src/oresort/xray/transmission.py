"""Detector counts, and the attenuation that they mean."""

import cv2
import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 65_535
"""Counts at which the detector saturates; what it does not see at all is recorded so, too."""

NOMINAL_AIR = 52_350.0
"""Air level in counts of the paper's sorter (0.8 of full scale after flat-fielding; measured on scan 38)."""


def attenuation(counts: NDArray[np.generic], air: float) -> NDArray[np.float32]:
    """Return ln(air / counts), any shape, dimensionless; counts below 1 count as 1 (photon starvation)."""
    values = counts.astype(np.float32, order="C")
    np.maximum(values, np.ones_like(values), out=values)  # numpy takes four times as long against one number
    np.divide(float(air), values, out=values)
    if values.size:
        flat = values.reshape(1, -1)
        cv2.log(flat, flat)  # in a third of numpy's time, the same to the bit wherever a value stands
    return values


def counts_of(transmission: NDArray[np.float32], air: float) -> NDArray[np.uint16]:
    """Return transmission (H, W), of which 1 are `air` counts, in counts: whole, 0 to `FULL_SCALE`."""
    # in one pass: it rounds, and what is brighter than full scale does not wrap round to dark
    return np.asarray(cv2.addWeighted(transmission, air, transmission, 0.0, 0.0, dtype=cv2.CV_16U), np.uint16)
