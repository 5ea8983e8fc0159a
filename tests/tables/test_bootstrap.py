"""Intervals of differences: weighted metrics against repeated pairs, and what must be zero."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from oresort.errors import InputError
from oresort.learn.metrics import binary_metrics
from oresort.tables.bootstrap import COMPARABLE, Run, paired_difference, same_pairs, weighted_metric


def predictions(seed: int = 0, scans: int = 30, signal: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    ore = rng.random(10 * scans) < 0.6
    noise = np.random.default_rng(seed).standard_normal(len(ore))
    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(len(ore))],
            "scan": [f"s{i // 10}" for i in range(len(ore))],
            "label": np.where(ore, "ore", "waste"),
            "p_ore": 1 / (1 + np.exp(-signal * (2.0 * ore - 1) - noise)),
        }
    )


@settings(deadline=None)
@given(st.integers(0, 2**31))
def test_weights_count_as_repeated_pairs(seed: int):
    rng = np.random.default_rng(seed)
    p_ore = rng.integers(0, 8, 40) / 8  # with ties
    ore = rng.random(40) < 0.5
    weights = rng.integers(0, 4, (1, 40)).astype(float)
    repeated = np.repeat(np.arange(40), weights[0].astype(int))
    p, y = torch.tensor(p_ore[repeated]), torch.tensor(ore[repeated].astype(int))
    if y.sum() in (0, len(y)):
        return
    whole = binary_metrics(p, y, 0.5) | {"auroc": roc_auc_score(y, p)}
    whole |= {"kept": float((p >= 0.5).double().mean()), "specificity": float((p[y == 0] < 0.5).double().mean())}
    for metric in COMPARABLE:
        found = weighted_metric(metric, p_ore, ore, 0.5, weights)[0]
        assert found == pytest.approx(whole[metric], abs=1e-6, nan_ok=True), metric


def test_a_row_against_itself_differs_by_nothing():
    run = Run(predictions(), 0.5)
    assert paired_difference([run], [run], "auroc", 50) == (0, 0, 0)


def test_a_better_row_is_told_and_its_value_is_the_plain_difference():
    good, poor = ([Run(predictions(seed, signal=s), 0.5) for seed in (1, 2)] for s in (1.5, 0.2))
    found = paired_difference(good, poor, "auroc", 300)
    by_hand = [
        np.mean([roc_auc_score(r.predictions["label"] == "ore", r.predictions["p_ore"]) for r in side])
        for side in (good, poor)
    ]
    assert found is not None
    assert found.value == pytest.approx(by_hand[0] - by_hand[1])
    assert 0 < found.low < found.value < found.high


def test_whole_scans_are_drawn():
    # the ten pairs of a scan are right or wrong together: sqrt(10) as wide as if they were independent
    table = predictions()
    right = (np.random.default_rng(5).random(30) < 0.7)[np.arange(300) // 10]
    own = table.assign(p_ore=np.where(right == (table["label"] == "ore"), 0.9, 0.1))
    constant = table.assign(p_ore=0.9)
    widths = []
    for scan in (table["scan"], table["id"]):
        runs = [Run(part.assign(scan=scan), 0.5) for part in (own, constant.assign(label=table["label"]))]
        found = paired_difference(runs[:1], runs[1:], "accuracy", 1000)
        assert found is not None
        widths.append(found.high - found.low)
    # the constant row adds the same independent part to both
    assert widths[0] > 2 * widths[1]


def test_other_pairs_are_not_compared():
    table = predictions()
    flipped = table.assign(label=table["label"].map({"ore": "waste", "waste": "ore"}))
    other = table.assign(scan=table["scan"].iloc[::-1].tolist())
    for changed in (table[1:], flipped, other):
        assert not same_pairs([Run(table, 0.5), Run(changed, 0.5)])
        assert paired_difference([Run(table, 0.5)], [Run(changed, 0.5)], "auroc") is None
    assert same_pairs([Run(table, 0.5), Run(table[::-1], 0.5)])
    seen = table.assign(images=table["id"])
    assert same_pairs([Run(table, 0.5), Run(seen, 0.5), Run(seen[::-1], 0.5)])  # an older table knows none
    assert not same_pairs([Run(table, 0.5), Run(seen, 0.5), Run(seen.assign(images="another"), 0.5)])


def test_what_is_undefined_has_no_difference():
    table = predictions()
    nothing_called = Run(table, 1.0 + 1e-6)
    assert paired_difference([Run(table, 0.5)], [nothing_called], "precision") is None


def test_an_unknown_metric_lists_the_known_ones():
    with pytest.raises(InputError, match="auroc, f1"):
        paired_difference([Run(predictions(), 0.5)], [Run(predictions(), 0.5)], "luck")
