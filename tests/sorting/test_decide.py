import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.scan.segment.particle import Particle
from oresort.sorting.decide import decide, is_ore, write_decisions


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


def test_the_table_holds_what_was_decided(tmp_path):
    p = np.array([0.1, 0.75], dtype=np.float32)
    particles = [Particle(x, 5, 4, 3, False, np.ones((3, 4), np.bool_)) for x in (1, 9)]
    path = tmp_path / "out" / "decisions.csv"
    write_decisions(path, particles, p, decide(p, 0.5))
    assert path.read_text() == "x,y,w,h,p_ore,decision\n1,5,4,3,0.1,waste\n9,5,4,3,0.75,ore\n"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert np.float32(rows[0]["p_ore"]) == p[0]


def test_an_empty_belt_gives_the_header(tmp_path):
    write_decisions(tmp_path / "decisions.csv", [], np.array([]), np.array([], np.str_))
    assert (tmp_path / "decisions.csv").read_text() == "x,y,w,h,p_ore,decision\n"


def test_a_failure_leaves_the_old_table(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text("old")
    with pytest.raises(ValueError, match="zip"):
        write_decisions(path, [], np.array([0.5]), np.array(["ore"]))
    assert [file.name for file in tmp_path.iterdir()] == ["decisions.csv"]
    assert path.read_text() == "old"


def test_a_probability_read_back_from_text_decides_as_it_did():
    p_ore = np.random.default_rng(0).random(500, dtype=np.float32)
    read = np.array([float(str(p)) for p in p_ore])  # as float64 a little above or below
    for threshold in p_ore.tolist()[:50]:
        np.testing.assert_array_equal(is_ore(read, threshold), p_ore >= threshold)
