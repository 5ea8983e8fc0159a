"""Ways to carry a threshold to a belt without labels, beside `oresort.sorting.transfer`, and belts of less ore."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.sorting.transfer import transfer_threshold
from studies.shift.answers import labels

Vector = NDArray[np.float64]

WAYS = ("left alone", "same share kept", "mean and deviation", "likelihood")


def carried(way: str, threshold: float, known: pd.DataFrame, new: pd.DataFrame) -> float:
    """Return the threshold for the answers `new`, of which labels are not looked at, by one of `WAYS`."""
    p_known, p_new = known["p_ore"].to_numpy(), new["p_ore"].to_numpy()
    if way == "left alone":
        return threshold
    if way == "same share kept":
        return float(np.quantile(p_new, (p_known < threshold).mean()))
    if way == "mean and deviation":
        here, there = logits(p_known), logits(p_new)
        cut = (logits(np.array([threshold]))[0] - here.mean()) / here.std() * there.std() + there.mean()
        return float(1 / (1 + np.exp(-cut)))
    return transfer_threshold(threshold, p_known, labels(known).astype(int), p_new).threshold


def logits(p_ore: Vector) -> Vector:
    """Return the logits of probabilities, finite ones."""
    p = p_ore.clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def thinned(answers: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Return answers without some of their ore, drawn by `seed`, so that `share` of what is left is ore."""
    ore = labels(answers)
    kept = round(share / (1 - share) * int((~ore).sum()))
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(ore))[:kept]
    return answers.iloc[np.sort(np.concatenate([np.flatnonzero(~ore), drawn]))].reset_index(drop=True)
