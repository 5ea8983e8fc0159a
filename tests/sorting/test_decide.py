import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.sorting.decide import decide, is_ore


def test_ore_begins_at_the_threshold():
    assert decide(np.array([0.0, 0.499, 0.5, 1.0]), 0.5).tolist() == ["waste", "waste", "ore", "ore"]


@given(st.lists(st.floats(0, 1, width=32)), st.floats(0, 1))
def test_every_particle_gets_one_of_two_words(p_ore, threshold):
    p = np.array(p_ore, dtype=np.float32)
    decisions = decide(p, threshold)
    assert decisions.shape == p.shape
    assert set(decisions) <= {"ore", "waste"}


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1, np.inf])
def test_what_is_no_probability_is_refused(bad):
    with pytest.raises(InputError, match=r"p_ore: .* for particle 1 "):
        decide(np.array([0.5, bad]), 0.5)
    with pytest.raises(InputError, match="threshold"):
        decide(np.array([0.5]), bad)


def test_a_probability_read_back_from_text_decides_as_it_did():
    p_ore = np.random.default_rng(0).random(500, dtype=np.float32)
    read = np.array([float(str(p)) for p in p_ore])  # as float64 a little above or below
    for threshold in p_ore.tolist()[:50]:
        np.testing.assert_array_equal(is_ore(read, threshold), p_ore >= threshold)
