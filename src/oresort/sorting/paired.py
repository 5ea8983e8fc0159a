"""Are two sorters' answers on the same particles different? Tests that take particles for independent."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.sorting.probability import check_probabilities

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]


class DeLong(NamedTuple):
    """Areas under two ROC curves, and how sure their difference is; NaN where that cannot be told."""

    auroc: tuple[float, float]
    error: tuple[float, float]  # standard error of each
    difference: float  # first minus second
    low: float  # ends of the interval of 95 % of the difference
    high: float
    p: float  # two-sided, that there is none


class McNemar(NamedTuple):
    """Particles that only one of two sorters calls rightly."""

    only_first: int
    only_second: int
    p: float  # two-sided, exact, that both are wrong equally often


def delong(first: NDArray[np.floating], second: NDArray[np.floating], ore: Flags) -> DeLong:
    """Compare areas under two correlated ROC curves (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988).

    The components are reckoned from midranks (Sun and Xu, IEEE Signal Processing Letters 21, 2014). Particles of a scan
    are alike, which this does not know: its interval is the narrowest that may be claimed. `first`, `second` are
    probabilities of ore (N,), `ore` (N,) the classes. With fewer than two particles of a class nothing can be told.

    Raises:
        InputError: a value that is no probability, or vectors of different lengths.
    """
    from scipy.stats import norm

    if not len(first) == len(second) == len(ore):
        raise InputError(f"{len(first)}, {len(second)} and {len(ore)} particles: give the same ones")
    for values, name in ((first, "first"), (second, "second")):
        check_probabilities(values, name)
    good, bad = int(ore.sum()), int((~ore).sum())
    if good < 2 or bad < 2:
        return DeLong((math.nan, math.nan), (math.nan, math.nan), *[math.nan] * 4)
    parts = [_components(np.asarray(values, np.float64), ore) for values in (first, second)]
    of_ore, of_waste = (np.stack(side) for side in zip(*parts, strict=True))  # (2, ore), (2, waste)
    areas = of_ore.mean(axis=1)  # (2,)
    covariance = np.cov(of_ore) / good + np.cov(of_waste) / bad  # (2, 2)
    difference = float(areas[0] - areas[1])
    # of the differences themselves: equal answers have none at all, which rounding must not hide
    variance = float(np.var(of_ore[0] - of_ore[1], ddof=1) / good + np.var(of_waste[0] - of_waste[1], ddof=1) / bad)
    error = math.sqrt(variance)
    if error > 0:
        p, reach = float(2 * norm.sf(abs(difference) / error)), float(norm.ppf(0.975)) * error
    else:  # equal for every pair of particles, or different by the same for every one: nothing to judge it by
        p, reach = (1.0, 0.0) if difference == 0 else (math.nan, math.nan)
    errors = np.sqrt(np.diag(covariance))
    return DeLong(
        (float(areas[0]), float(areas[1])), (float(errors[0]), float(errors[1])), difference,
        difference - reach, difference + reach, p,
    )  # fmt: skip


def _components(p_ore: Vector, ore: Flags) -> tuple[Vector, Vector]:
    """Return for each ore particle the share of waste below it, and for each waste particle that of ore above it."""
    from scipy.stats import rankdata

    good, bad = p_ore[ore], p_ore[~ore]
    together, among_ore, among_waste = (rankdata(part) for part in (np.concatenate([good, bad]), good, bad))
    of_ore = (together[: len(good)] - among_ore) / len(bad)
    of_waste = 1 - (together[len(good) :] - among_waste) / len(good)
    return np.asarray(of_ore, np.float64), np.asarray(of_waste, np.float64)


def mcnemar(first: Flags, second: Flags, ore: Flags) -> McNemar:
    """Compare decisions (N,) of two sorters, true for ore, by the particles that only one calls rightly.

    The test is the exact binomial one for any number (McNemar, Psychometrika 12, 1947, gives its limit for many). It
    asks whether errors are as frequent, not whether they are the same ones.

    Raises:
        InputError: vectors of different lengths.
    """
    from scipy.stats import binomtest

    if not len(first) == len(second) == len(ore):
        raise InputError(f"{len(first)}, {len(second)} and {len(ore)} particles: give the same ones")
    right, other = first == ore, second == ore
    b, c = int((right & ~other).sum()), int((~right & other).sum())
    return McNemar(b, c, float(binomtest(b, b + c).pvalue) if b + c else 1.0)
