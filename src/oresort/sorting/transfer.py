"""A threshold for another belt, found on its answers alone: which of them would have been given on validation?

A belt may hold more or less ore, and another sorter may move and stretch the answers of both classes. Either changes
how many particles lie above the threshold, but only the second should change the threshold. Told apart by maximum
likelihood: the logits of the belt are those of the validation pairs of both classes, in shares that are free, times
`scale` plus `shift`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.sorting.probability import check_probabilities, check_threshold

Vector = NDArray[np.float64]

EVIDENCE = 20.0
"""Gain in log-likelihood below which the threshold stays: chance alone would have 7 in one of a thousand belts if
particles were independent, those of one scan are not, and belts of one ore reach 13 in the simulator."""

_ONE_CLASS = 0.02  # share of the other class below which there is none
FEWEST = 50  # particles of each class on validation, and of the belt
_EDGE = 1e-6  # probabilities are held off 0 and 1 by this: their logits are finite
_FLOOR = 1e-5  # of a density: an answer that was never given on validation is unlikely, not impossible
_STEPS = (9, 25)  # of scale and shift, on each grid
_SCALE, _SHIFT = 1.1, 4.0  # reach of the first grid in ln(scale), and in deviations of the validation's logits
_GRIDS = 4  # each a quarter as wide as the one before
_ROUNDS = 40  # of expectation and maximisation, for the share of ore
_KEPT = 4_000  # particles of a belt that are looked at, evenly over their ranks


class Transfer(NamedTuple):
    """How a belt's answers differ from validation, and the threshold that follows."""

    threshold: float  # on the belt
    ore: float  # share of ore on it, estimated
    scale: float  # logit on the belt = scale x logit on validation + shift
    shift: float
    evidence: float  # natural logarithm of how much likelier they make its answers than another share of ore alone


def transfer_threshold(
    threshold: float, known: NDArray[np.floating], label: NDArray[np.integer], new: NDArray[np.floating]
) -> Transfer:
    """Return the threshold for a belt whose probabilities of ore are `new` (M,), without its labels.

    `known` (N,) are those of the validation pairs, `label` (N,) their classes (ore 1), `threshold` the one chosen on
    them. It stays where the belt's answers are no evidence (below `EVIDENCE`) of more than another share of ore, and
    where they look like those of one class alone.

    Whatever moves the classes by different amounts, or changes the shape of their answers, is not seen by this: rock
    that the model takes for the other class looks like another share of ore. It wants a belt with both classes.

    Raises:
        InputError: a value that is no probability, or fewer than `FEWEST` particles of a class or of the belt.
    """
    check_threshold(threshold)
    for values, name in ((known, "known"), (new, "new")):
        check_probabilities(np.asarray(values), name)
    ore = np.asarray(label) == 1
    counts = {"ore on validation": ore.sum(), "waste on validation": (~ore).sum(), "the belt": len(new)}
    for what, count in counts.items():
        if count < FEWEST:
            raise InputError(f"threshold: {count} particles of {what} are too few to transfer it, {FEWEST} are needed")
    logits, here = _logits(known), np.sort(_logits(new))
    if len(here) > _KEPT:
        here = here[np.linspace(0, len(here) - 1, _KEPT).round().astype(int)]
    densities = (_Density(logits[ore]), _Density(logits[~ore]))
    spread, usual = float(logits.std()), float(ore.mean())
    alone, share = _likelihood(here, densities, np.ones(1), np.zeros(1), usual)
    best = (float(alone[0, 0]), float(share[0, 0]), 0.0, 0.0)  # likelihood, share, ln(scale), shift
    reach = np.array([_SCALE, _SHIFT * spread])
    for _ in range(_GRIDS):
        steps = [best[2 + k] + reach[k] * np.linspace(-1, 1, _STEPS[k]) for k in (0, 1)]
        found, share = _likelihood(here, densities, np.exp(steps[0]), steps[1], usual)  # (scales, shifts)
        i, j = np.unravel_index(int(found.argmax()), found.shape)
        if found[i, j] > best[0]:
            best = (float(found[i, j]), float(share[i, j]), float(steps[0][i]), float(steps[1][j]))
        reach /= 4
    # of all particles of the belt, not of those that were looked at
    evidence = (best[0] - float(alone[0, 0])) * len(new)
    scale, shift = float(np.exp(best[2])), best[3]
    # a belt that looks like one class alone says nothing of where the classes part
    told = evidence >= EVIDENCE and _ONE_CLASS <= best[1] <= 1 - _ONE_CLASS
    moved = float(1 / (1 + np.exp(-(scale * _logits(np.array([threshold]))[0] + shift))))
    return Transfer(moved if told else float(threshold), best[1], scale, shift, evidence)


def _logits(p_ore: NDArray[np.floating]) -> Vector:
    p = np.asarray(p_ore, np.float64).clip(_EDGE, 1 - _EDGE)
    return np.asarray(np.log(p / (1 - p)))


class _Density:
    """Density of some logits (N,) by Gaussian kernels, tabulated."""

    def __init__(self, logits: Vector) -> None:
        middle = float(np.subtract(*np.quantile(logits, [0.75, 0.25]))) / 1.349
        # Silverman's rule, which the narrower of two measures of the spread keeps from blurring two humps into one
        width = max(1.2 * min(float(logits.std()), middle or np.inf) * len(logits) ** -0.2, 0.05)
        self.grid = np.linspace(logits.min() - 5 * width, logits.max() + 5 * width, 400)
        kernels = np.exp(-0.5 * ((self.grid[:, None] - logits) / width) ** 2)  # (400, N)
        self.values = kernels.mean(axis=1) / (width * np.sqrt(2 * np.pi)) + _FLOOR

    def __call__(self, logits: Vector) -> Vector:
        return np.asarray(np.interp(logits, self.grid, self.values, _FLOOR, _FLOOR))


def _likelihood(
    here: Vector, densities: tuple[_Density, _Density], scales: Vector, shifts: Vector, usual: float
) -> tuple[Vector, Vector]:
    """Return the mean log-likelihood of logits (M,) and the best share of ore, each (scales, shifts)."""
    back = (here - shifts[None, :, None]) / scales[:, None, None]  # (scales, shifts, M)
    ore, waste = (density(back) for density in densities)
    share = np.full((*back.shape[:2], 1), usual)
    for _ in range(_ROUNDS):
        part = share * ore / (share * ore + (1 - share) * waste)
        share = part.mean(axis=2, keepdims=True)
    found = np.log(share * ore + (1 - share) * waste).mean(axis=2) - np.log(scales)[:, None]
    return found, share[..., 0]
