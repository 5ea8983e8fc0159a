"""Which particles are ore."""

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.probability import check_probabilities, check_threshold


def is_ore(p_ore: NDArray[np.floating], threshold: float | NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return where a particle is called ore: at or above the threshold, or its own one of several (N,).

    Compared as float32, the type a model answers in: probabilities read back from a table decide alike.
    """
    return np.asarray(p_ore, np.float32) >= np.asarray(threshold, np.float32)


def decide(p_ore: NDArray[np.floating], threshold: float) -> NDArray[np.str_]:
    """Return "ore" where `is_ore` says so and "waste" elsewhere, of probabilities of ore (N,).

    Raises:
        InputError: a probability or the threshold is not a number from 0 to 1.
    """
    check_threshold(threshold)
    check_probabilities(p_ore, "p_ore")
    return np.where(is_ore(p_ore, threshold), "ore", "waste")
