"""The temperature that validation data choose."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit, xlogy

from oresort.errors import InputError
from oresort.sorting.temperature import LEAST, MOST, check_temperature, choose_temperature


def logits_of(margin: np.ndarray, mean: float = 0.7) -> np.ndarray:
    return np.stack([mean - margin / 2, mean + margin / 2], 1)


def log_loss(margin: np.ndarray, ore: np.ndarray, temperature: float) -> float:
    p = expit(margin / temperature)
    n, m = ore.sum(), (~ore).sum()
    target = np.where(ore, (n + 1) / (n + 2), 1 / (m + 2))
    return float(-(xlogy(target, p) + xlogy(1 - target, 1 - p)).mean())


@given(st.lists(st.tuples(st.integers(-40, 40), st.booleans()), min_size=2, max_size=60))
@settings(max_examples=80, deadline=None)
def test_no_temperature_has_a_smaller_log_loss(pairs: list[tuple[int, bool]]):
    margin, ore = np.array([a / 10 for a, _ in pairs]), np.array([b for _, b in pairs])
    chosen = choose_temperature("fitted", logits_of(margin), ore.astype(int))
    assert LEAST <= chosen <= MOST
    if 0 < ore.sum() < len(ore) and margin.any():
        tried = [log_loss(margin, ore, t) for t in np.geomspace(LEAST, MOST, 60)]
        assert log_loss(margin, ore, chosen) <= min(tried) + 1e-9
    else:
        assert chosen == 1


def test_two_answers_have_a_known_temperature():
    # of 100 pairs at +2, and as many at -2, 80 are what the model says
    margin = np.repeat([2.0, -2.0], 100)
    label = np.tile([1, 1, 1, 1, 0], 40)
    label[100:] = 1 - label[100:]
    target = 0.8 * 101 / 102 + 0.2 * 1 / 102
    chosen = choose_temperature("fitted", logits_of(margin), label)
    assert chosen == pytest.approx(2 / logit(target), rel=1e-9)
    assert expit(2 / chosen) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_the_temperature_of_labels_that_were_drawn_is_found(true: float):
    rng = np.random.default_rng(0)
    margin = rng.normal(0, 2 * true, 20_000)
    label = (rng.random(20_000) < expit(margin / true)).astype(int)
    assert choose_temperature("fitted", logits_of(margin), label) == pytest.approx(true, rel=0.05)


def test_few_pairs_without_a_fault_are_no_certainty():
    margin = np.array([3.0, 3, 3, -3, -3, -3])
    chosen = choose_temperature("fitted", logits_of(margin), np.array([1, 1, 1, 0, 0, 0]))
    assert expit(3 / chosen) == pytest.approx(4 / 5)


def test_a_model_worse_than_chance_says_that_it_knows_nothing():
    assert choose_temperature("fitted", logits_of(np.array([1.0, -1])), np.array([0, 1])) == MOST


@pytest.mark.parametrize("label", [[1, 1], [0, 0], []])
def test_of_one_class_nothing_is_chosen(label: list[int]):
    margin = np.array([1.0, -1.0])[: len(label)]
    assert choose_temperature("fitted", logits_of(margin), np.array(label, int)) == 1


def test_a_number_is_taken_and_what_is_none_refused():
    none = np.zeros((0, 2)), np.zeros(0, int)
    assert choose_temperature(2.5, *none) == check_temperature(2.5) == 2.5
    for bad in (0, -1, 0.01, 21, math.nan, math.inf, True, None, "best"):
        with pytest.raises(InputError, match=r"temperature=.*: give a number from 0\.05 to 20, or fitted"):
            choose_temperature(bad, *none)  # type: ignore[arg-type]
    for bad in (0.0, -1.0, math.nan, math.inf, 1e-40, True):
        with pytest.raises(InputError, match=r"x: temperature=.*not a temperature"):
            check_temperature(bad, "x: temperature")
    for hole in (math.nan, math.inf):
        with pytest.raises(InputError, match="not finite"):
            choose_temperature("fitted", np.array([[0, hole], [1, 0]]), np.array([0, 1]))
