"""The partition curve: one that is known is found again."""

import numpy as np
import pytest
from lots import lot

from oresort.sorting.partition import partition


def drawn(cut: float, ep: float, seed: int = 0, count: int = 6_000):
    rng = np.random.default_rng(seed)
    grade = 10 ** rng.normal(-1, 0.6, count)
    kept = rng.random(count) < 1 / (1 + np.exp(-np.log(3) * (np.log10(grade) - np.log10(cut)) / ep))
    many = lot(np.full(count, 0.5), grade > 0.1, rng.lognormal(2, 0.4, count), grade, rng.integers(50, size=count))
    return many, kept


@pytest.mark.parametrize(("cut", "ep"), [(0.1, 0.3), (0.3, 0.15)])
def test_a_known_curve_is_found_again(cut: float, ep: float):
    many, kept = drawn(cut, ep)
    found = partition(many, kept, wanted=0.1).figures.found
    assert found["cut_grade"].value == pytest.approx(cut, rel=0.08)
    assert found["ep"].value == pytest.approx(ep, rel=0.08)
    assert found["ep"].low < ep < found["ep"].high
    assert found["bias"].value == pytest.approx(np.log10(found["cut_grade"].value / 0.1))


def test_partition_numbers_are_shares_of_mass_and_rise_with_the_grade():
    many, kept = drawn(0.1, 0.2)
    found = partition(many, kept)
    assert (np.diff(found.grade) > 0).all()
    assert found.number[0] < 0.1 < 0.9 < found.number[-1]
    assert "bias" in found.figures.left_out


def test_curves_that_are_none_are_left_out():
    many, kept = drawn(0.1, 0.2)
    for odd in (many.grade > 0.1, ~kept, np.ones(len(kept), bool)):
        assert {"ep", "cut_grade"} <= set(partition(many, odd).figures.left_out)
    assert "0 of 2" in partition(lot([0.1, 0.9], [0, 1]), np.array([False, True])).figures.left_out["ep"]
