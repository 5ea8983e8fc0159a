"""Which particles are ore."""

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError


def is_ore(p_ore: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """Return where a particle is called ore: at or above the threshold.

    Compared as float32, the type a model answers in: probabilities read back from a table decide alike.
    """
    return np.asarray(p_ore, np.float32) >= np.float32(threshold)


def decide(p_ore: NDArray[np.floating], threshold: float) -> NDArray[np.str_]:
    """Return "ore" where `is_ore` says so and "waste" elsewhere, of probabilities of ore (N,).

    Raises:
        InputError: a probability or the threshold is not a number from 0 to 1.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold: {threshold} is not a probability; give a number from 0 to 1")
    bad = ~((p_ore >= 0) & (p_ore <= 1))  # written so that NaN is bad
    if bad.any():
        what = f"p_ore: {p_ore[bad][0]} for particle {bad.argmax()} is not a probability"
        raise InputError(f"{what}; use a checkpoint of a training that did not diverge")
    return np.where(is_ore(p_ore, threshold), "ore", "waste")
