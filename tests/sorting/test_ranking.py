"""Curves: the ideal sorter and the one that guesses, lots reckoned by hand, and what holds for every lot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lots import drawn, lot

from oresort.sorting.ranking import curves, rejections, sortability


def test_sortability_of_the_ideal_sorter_is_one_and_of_its_opposite_minus_one():
    grade = np.arange(1.0, 21)
    ideal = lot(np.linspace(0, 1, 20), grade > 10, grade=grade)
    found = sortability(ideal, {"wrong": -grade, "blind": np.ones(20)}).found
    assert found["sortability"].value == pytest.approx(1)
    assert found["sortability_wrong"].value == pytest.approx(-1)
    assert found["sortability_blind"].value == pytest.approx(0)


def test_sortability_leaves_out_what_it_cannot_know():
    few = lot([0.1, 0.9], [0, 1], grade=[1, 2])
    assert sortability(few, {"density": np.array([1, np.nan])}).left_out == {
        "sortability_density": "not known of all particles"
    }
    assert "one grade" in sortability(lot([0.1, 0.9], [0, 1], grade=[1, 1]), {}).left_out["sortability"]
    assert "0 of 2" in sortability(lot([0.1, 0.9], [0, 1]), {}).left_out["sortability"]


def test_rejection_reckoned_by_hand():
    # kept from the top: ore 1 of 2, both; metal 6, 9, 10 of 10; masses 1 1 2
    found = rejections(lot([0.9, 0.5, 0.1], [1, 1, 0], [1, 1, 2], [6, 3, 0.5])).found
    assert found["rejection_at_95_of_ore"].value == pytest.approx(0.5)
    assert found["rejection_at_90_of_metal"].value == pytest.approx(0.5)
    assert found["rejection_at_95_of_metal"].value == pytest.approx(0)
    # particles of one probability cannot be parted
    tied = rejections(lot([0.5, 0.5, 0.1], [1, 0, 0])).found
    assert tied["rejection_at_90_of_ore"].value == pytest.approx(1 / 3)
    assert "no particle of ore" in rejections(lot([0.5, 0.1], [0, 0])).left_out["rejection_at_90_of_ore"]


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=15, deadline=None)
def test_what_holds_for_every_curve(seed: int, coarse: bool):
    many = drawn(seed, 150)
    if coarse:
        many = lot(many.p_ore.round(1), many.ore, many.mass, many.grade, many.scan)
    found = curves(many)
    for name in ("recovery", "metal_recovery", "rest_in_tail"):
        ends = (1, 0) if name == "rest_in_tail" else (0, 1)
        assert found[name][[0, -1]] == pytest.approx(ends)
        steps = np.diff(found[name])
        assert ((steps if ends == (0, 1) else -steps) >= -1e-12).all()
        assert (found[f"{name}_low"] <= found[f"{name}_high"] + 1e-12).all()
    inner = slice(1, -1)
    gamma = found["mass_yield"][inner]
    feed = np.average(many.grade, weights=many.mass)
    assert gamma * found["product_grade"][inner] + (1 - gamma) * found["tail_grade"][inner] == pytest.approx(feed)
    assert found["product_grade"][-1] == pytest.approx(feed)
    assert np.isnan(found["tail_grade"][-1])
    kept = [many.mass[many.p_ore >= np.float32(t)].sum() / many.mass.sum() for t in found["threshold"][1:]]
    assert (np.array(kept) >= found["mass_yield"][1:] - 1e-6).all()


def test_without_grades_the_curve_of_ore_alone():
    assert set(curves(lot([0.9, 0.1], [1, 0]))) == {
        *("mass_yield", "threshold", "recovery", "recovery_low", "recovery_high")
    }
