"""What may be called a probability: the one check of all that is read or computed as one."""

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError


def are_probabilities(values: NDArray[np.floating]) -> bool:
    """Tell whether all are numbers from 0 to 1."""
    return bool(((values >= 0) & (values <= 1)).all())  # written so that NaN is none


def check_probabilities(values: NDArray[np.floating], what: str) -> None:
    """Refuse values (N,) of which one is no probability; `what` names where they are from.

    Raises:
        InputError: a value that is not a number from 0 to 1.
    """
    if not are_probabilities(values):
        bad = ~((values >= 0) & (values <= 1))
        raise InputError(
            f"{what}: {values[bad][0]} for particle {bad.argmax()} is not a probability; "
            "use a model of a training that did not diverge"
        )


def check_threshold(value: float, what: str = "threshold") -> float:
    """Return a threshold once it is known to be a number from 0 to 1; `what` names the key or file that it is from.

    Raises:
        InputError: it is none.
    """
    if isinstance(value, bool) or not 0 <= value <= 1:
        raise InputError(f"{what}={value}: not a probability; give a number from 0 to 1")
    return float(value)
