"""DeLong and McNemar against their definitions, published figures and what must be nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from oresort.errors import InputError
from oresort.sorting.paired import delong, mcnemar


def by_definition(first, second, ore):
    """DeLong's estimate as the paper writes it, by the kernel of every pair of particles."""
    v10, v01 = [], []
    for p in (first, second):
        gap = p[ore][:, None] - p[~ore][None, :]  # (ore, waste)
        kernel = (gap > 0) + 0.5 * (gap == 0)
        v10.append(kernel.mean(axis=1))
        v01.append(kernel.mean(axis=0))
    covariance = np.cov(v10) / ore.sum() + np.cov(v01) / (~ore).sum()
    contrast = np.array([1.0, -1.0])
    return np.mean(v10, axis=1), np.sqrt(np.diag(covariance)), math.sqrt(max(contrast @ covariance @ contrast, 0))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31), st.integers(4, 40))
def test_delong_is_the_kernel_of_every_pair_of_particles(seed: int, count: int):
    rng = np.random.default_rng(seed)
    ore = np.arange(count) % 3 != 0
    first, second = rng.integers(0, 9, (2, count)) / 8  # with ties
    if ore.sum() < 2 or (~ore).sum() < 2:
        return
    found = delong(first, second, ore)
    areas, errors, error = by_definition(first, second, ore)
    assert found.auroc == pytest.approx(areas)
    assert found.auroc[0] == pytest.approx(roc_auc_score(ore, first))
    assert found.error == pytest.approx(errors)
    if error > 1e-9:
        assert found.high - found.low == pytest.approx(2 * 1.959964 * error, rel=1e-5)
        assert found.p == pytest.approx(math.erfc(abs(found.difference) / error / math.sqrt(2)), abs=1e-9)


def test_delong_by_hand():
    # ore 0.9, 0.4 and waste 0.6, 0.1: of four pairs three are right, each ore's share is 1 and 1/2, each waste's 1/2, 1
    ore = np.array([True, True, False, False])
    found = delong(np.array([0.9, 0.4, 0.6, 0.1]), np.array([0.9, 0.8, 0.6, 0.1]), ore)
    assert found.auroc == (0.75, 1.0)
    # both variances of the shares are 1/8, so the error is the root of 1/16 + 1/16
    assert found.error == pytest.approx((math.sqrt(1 / 8), 0.0))
    assert (found.difference, found.p) == (-0.25, pytest.approx(math.erfc(0.25 / math.sqrt(1 / 8) / math.sqrt(2))))


def test_delong_is_blind_to_what_keeps_the_order():
    rng = np.random.default_rng(0)
    p, ore = rng.random(50), rng.random(50) < 0.5
    same = delong(p, p**3, ore)
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    swapped, found = delong(1 - p, p, ore), delong(p, 1 - p, ore)
    assert swapped.difference == pytest.approx(-found.difference)
    assert swapped.p == pytest.approx(found.p)


@pytest.mark.parametrize("classes", [[True] * 4, [False] * 4, [True, False, False, False]])
def test_delong_tells_nothing_without_two_of_each_class(classes: list[bool]):
    found = delong(np.linspace(0, 1, 4), np.linspace(1, 0, 4), np.array(classes))
    assert all(map(math.isnan, (*found.auroc, *found.error, found.difference, found.low, found.high, found.p)))


def test_delong_does_not_judge_a_difference_without_spread():
    ore = np.array([True, True, False, False])
    found = delong(np.array([1.0, 1.0, 0, 0]), np.array([0, 0, 1.0, 1.0]), ore)
    assert found.difference == 1
    assert all(map(math.isnan, (found.low, found.high, found.p)))


def test_delong_is_as_wide_as_repeated_draws_say():
    rng = np.random.default_rng(1)
    found, widths = [], []
    for _ in range(400):
        ore = rng.random(200) < 0.5
        signal = rng.standard_normal(200) + ore
        answers = [1 / (1 + np.exp(-(signal + 0.5 * rng.standard_normal(200)))) for _ in range(2)]
        one = delong(*answers, ore)
        found.append(one.difference)
        widths.append(one.high - one.low)
    assert np.mean(widths) / (2 * 1.96) == pytest.approx(np.std(found), rel=0.12)


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [
        (1, 9, 22 / 1024),  # 2 (1 + 10) / 2^10
        (0, 5, 2 / 32),
        (3, 3, 1.0),
        (0, 0, 1.0),
        (121, 59, 4.434e-6),  # of scipy's binomial tail; McNemar's limit for many, 21.36 at one degree, is 3.8e-6
    ],
)
def test_mcnemar_is_the_exact_binomial_test(b: int, c: int, p: float):
    first = np.array([True] * b + [False] * c + [True, False])
    second = np.array([False] * b + [True] * c + [True, False])
    found = mcnemar(first, second, np.ones(b + c + 2, bool))
    assert (found.only_first, found.only_second) == (b, c)
    assert found.p == pytest.approx(p, rel=2e-3)
    assert mcnemar(second, first, np.ones(b + c + 2, bool)).p == found.p


def test_what_is_not_comparable_is_refused():
    ore = np.array([True, False])
    with pytest.raises(InputError, match="the same ones"):
        delong(np.zeros(3), np.zeros(2), ore)
    with pytest.raises(InputError, match="the same ones"):
        mcnemar(ore, ore[:1], ore)
    with pytest.raises(InputError, match="not a probability"):
        delong(np.array([0.5, math.nan]), np.zeros(2), ore)
