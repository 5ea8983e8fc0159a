"""Figures of some models on some datasets, with intervals over scans."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.sorting.resample import LEVEL
from oresort.sorting.threshold import choose_threshold
from oresort.tables.bootstrap import weighted_metric
from studies.shift.answers import labels

Values = NDArray[np.float64]

_RESAMPLES = 500


class Answered(NamedTuple):
    """Answers to one dataset, and the threshold in force there."""

    answers: pd.DataFrame
    threshold: float


class Interval(NamedTuple):
    """A figure in per cent and the ends of its interval."""

    value: float
    low: float
    high: float


def resampled(metric: str, answered: Answered, seed: int) -> Values:
    """Return a figure (1 + resamples,) in per cent: of all pairs, then of scans drawn with replacement.

    The same `seed` draws the same scans, so figures of datasets of the same scans may be subtracted.
    """
    codes, scans = pd.factorize(answered.answers["scan"])
    drawn = np.random.default_rng(seed).multinomial(len(scans), np.full(len(scans), 1 / len(scans)), size=_RESAMPLES)
    weights = np.vstack([np.ones(len(scans)), drawn])[:, codes].astype(np.float64)
    ore, p_ore = labels(answered.answers), answered.answers["p_ore"].to_numpy(np.float64)
    return 100 * weighted_metric(metric, p_ore, ore, answered.threshold, weights)


def interval(metric: str, own: Sequence[Answered], less: Sequence[Answered] = ()) -> Interval:
    """Return the mean of a figure over seeds, or of its difference to `less`, and its interval over scans."""
    values = np.mean([resampled(metric, one, seed) for seed, one in enumerate(own)], axis=0)
    if less:
        values = values - np.mean([resampled(metric, one, seed) for seed, one in enumerate(less)], axis=0)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(values[1:], [tail, 1 - tail])
    return Interval(float(values[0]), float(low), float(high))


def best(answers: pd.DataFrame) -> float:
    """Return the threshold that is best for balanced accuracy on these very answers: nobody has it beforehand."""
    p_ore, ore = answers["p_ore"].to_numpy(), labels(answers).astype(int)
    return choose_threshold("balanced_accuracy", p_ore, ore)
