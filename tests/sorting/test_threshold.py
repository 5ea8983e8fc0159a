"""The threshold that validation data choose."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.sorting.threshold import choose_threshold


def figures(p: np.ndarray, y: np.ndarray, threshold: float) -> dict[str, float]:
    called, ore = p >= np.float32(threshold), y == 1
    tp, fp, fn = (called & ore).sum(), (called & ~ore).sum(), (~called & ore).sum()
    recall, specificity = tp / ore.sum(), (~called & ~ore).sum() / (~ore).sum()
    return {
        **{"f1": 2 * tp / (2 * tp + fp + fn), "balanced_accuracy": (recall + specificity) / 2},
        **{"youden": recall + specificity - 1, "cost": -(3 * fn + fp)},
    }


def answers() -> st.SearchStrategy[float]:
    """Return probabilities of a model: few that come often, any, and neighbours of float32 as one gives that is sure"""
    near = st.sampled_from([0.0, 0.25, 0.9, 1.0])
    neighbours = st.builds(lambda p, steps: float(stepped(p, steps)), near, st.integers(-4, 4))
    return st.one_of(st.integers(0, 20).map(lambda k: float(np.float32(k / 20))), st.floats(0, 1, width=32), neighbours)


def stepped(p: float, steps: int) -> np.float32:
    value = np.float32(p)
    for _ in range(abs(steps)):
        value = np.nextafter(value, np.float32(np.sign(steps))).clip(0, 1)
    return value


@given(st.lists(st.tuples(answers(), st.integers(0, 1)), min_size=2, max_size=60))
@example([(float(stepped(1, -2)), 0), (float(stepped(1, -1)), 1)])  # midway is rounded to the lower one
@settings(max_examples=80, deadline=None)
@pytest.mark.parametrize("rule", ["balanced_accuracy", "f1", "youden", "cost"])
def test_no_threshold_beats_the_chosen_one(rule: str, pairs: list[tuple[float, int]]):
    p = np.array([a for a, _ in pairs], np.float32)
    y = np.array([b for _, b in pairs])
    cut = choose_threshold(rule, p, y, lost_ore=3)
    assert 0 <= cut <= 1
    if 0 < y.sum() < len(y):
        tried = [figures(p, y, t)[rule] for t in [*p, *np.linspace(0, 1, 101)]]
        assert figures(p, y, cut)[rule] >= max(tried) - 1e-9


def test_numbers_are_taken_and_nonsense_is_not():
    p, y = np.array([0.1, 0.9]), np.array([0, 1])
    assert choose_threshold(0.3, p, y) == 0.3
    assert choose_threshold("balanced_accuracy", p, y) == pytest.approx(0.5)
    assert choose_threshold("f1", p, np.array([1, 1])) == 0.5  # one class alone
    for rule in ("recovery", "best", 1.5, -0.1):
        with pytest.raises(InputError, match=f"threshold={rule}"):
            choose_threshold(rule, p, y)
