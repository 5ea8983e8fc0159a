"""The face of every classic sorter, what it sees of a pair, and the thickness curve that all share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError

Image = NDArray[np.float32]
Vector = NDArray[np.float64]


class Pixels(NamedTuple):
    """One particle at the detector's own resolution."""

    low: Image  # l = ln(air / low), (H, W), dimensionless
    high: Image  # h = ln(air / high), same shape
    mask: NDArray[np.bool_]  # where both layers see the particle; at least one pixel


class Importance(NamedTuple):
    """By how much the area under the ROC curve falls when one feature's values are shuffled among the pairs."""

    mean: float
    deviation: float  # over the shufflings


class Classic(ABC):
    """A sorter that is fitted once on the training pairs and then gives probabilities of ore.

    Pairs may be walked several times; a walk may read them from the disk.
    """

    numbers: int | None = None  # how many fitted numbers decide, where that can be said

    @abstractmethod
    def fit(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> None:
        """Fit to training pairs; `label` (N,), ore is 1; what is random follows from `seed`."""

    def importances(self, pairs: Iterable[Pixels], label: NDArray[np.int64], seed: int) -> dict[str, Importance]:
        """Return how much each feature matters, by name, on pairs that were not trained on; {} without features."""
        return {}

    @abstractmethod
    def p_ore(self, pairs: Iterable[Pixels]) -> Vector:
        """Return the probability of ore of every pair, (N,)."""


class Curve(NamedTuple):
    """f(h) = c1 h + c2 h^2: what the low energy sees of ordinary rock of the thickness that the high one sees.

    The ratio R = l / h falls with thickness by beam hardening; the residual l - f(h) does not.
    """

    c1: float = 0.0
    c2: float = 0.0

    def __call__(self, h: Image) -> Image:
        """Return f(h), any shape; computed in float64."""
        return np.asarray(np.float64(self.c1) * h + np.float64(self.c2) * h**2, np.float32)


def fit_curve(pairs: Iterable[Pixels]) -> Curve:
    """Return the curve that fits all particle pixels best, of both classes, by least squares.

    InputError if all pixels have one attenuation.
    """
    normal, right = np.zeros((2, 2)), np.zeros(2)
    for pair in pairs:
        h = pair.high[pair.mask].astype(np.float64)
        powers = np.stack((h, h**2))  # (2, pixels)
        normal += powers @ powers.T
        right += powers @ pair.low[pair.mask]
    if np.linalg.matrix_rank(normal) < 2:
        raise InputError("training pairs: all pixels have one attenuation, so no curve l = f(h) fits them")
    return Curve(*np.linalg.solve(normal, right))
