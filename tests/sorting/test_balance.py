"""Figures of two piles: a lot reckoned by hand, and what holds for every lot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lots import drawn, lot

from oresort.sorting.balance import OF_METAL, balance, two_product
from oresort.sorting.decide import is_ore


def figure(found, name: str) -> float:
    return found.found[name].value


def test_a_lot_reckoned_by_hand():
    # masses 1 2 3 4, grades 4 1 1 0: metal 0.04 0.02 0.03 0, all of it 0.09 of 10
    few = lot([0.9, 0.8, 0.4, 0.1], [1, 1, 0, 0], [1, 2, 3, 4], [4, 1, 1, 0])
    found = balance(few, np.array([1, 0, 1, 0], bool))
    expected = {
        **{"mass_yield": 0.4, "waste_rejection": 0.6, "recovery": 0.5, "mass_recovery": 1 / 3, "waste_removal": 4 / 7},
        **{"feed_grade": 0.9, "product_grade": 1.75, "tail_grade": 1 / 3, "metal_recovery": 7 / 9},
        **{"enrichment": 1.75 / 0.9},
        # recovery of metal less recovery of what is no mineral: mineral 0.07 / 0.346 of the product's 4
        "separation_efficiency": 7 / 9 - (4 - 7 / 34.6) / (10 - 9 / 34.6),
    }
    assert {name: known.value for name, known in found.found.items()} == pytest.approx(expected)
    assert found.left_out == {}
    # four scans are too few for an interval
    assert all(np.isnan([known.low, known.high]).all() for known in found.found.values())


def test_what_needs_a_grade_is_left_out_by_name():
    found = balance(lot([0.9, 0.1], [1, 0]), np.array([True, False]))
    assert set(found.left_out) == set(OF_METAL)
    assert set(found.left_out.values()) == {"the manifest has a grade for 0 of 2 particles"}
    assert "mass_yield" in found.found
    barren = balance(lot([0.9, 0.1], [1, 0], grade=[0, 0]), np.array([True, False]))
    assert set(barren.left_out.values()) == {"no particle holds metal"}


def test_an_empty_pile_has_no_grade():
    few = lot([0.9, 0.1], [1, 0], grade=[1, 0])
    for kept, pile in (([True, True], "tail_grade"), ([False, False], "product_grade")):
        found = balance(few, np.array(kept))
        assert "empty" in found.left_out[pile]
        assert figure(found, "mass_yield") == float(kept[0])


@given(st.integers(0, 10_000), st.floats(0.05, 0.95))
@settings(max_examples=25, deadline=None)
def test_what_holds_for_every_lot(seed: int, threshold: float):
    many = drawn(seed, 200)
    found = balance(many, is_ore(many.p_ore, threshold))
    if found.left_out:
        return
    alpha, beta, theta = (figure(found, name) for name in ("feed_grade", "product_grade", "tail_grade"))
    gamma, eps = figure(found, "mass_yield"), figure(found, "metal_recovery")
    assert two_product(alpha, beta, theta) == pytest.approx((gamma, eps), rel=1e-6)
    assert gamma * beta + (1 - gamma) * theta == pytest.approx(alpha)  # metal is neither made nor lost
    assert figure(found, "enrichment") == pytest.approx(eps / gamma)
    assert gamma + figure(found, "waste_rejection") == pytest.approx(1)
    for known in found.found.values():
        assert known.low <= known.high


def test_masses_in_another_unit_change_nothing():
    many = drawn(3)
    kept = is_ore(many.p_ore, 0.5)
    scaled = lot(many.p_ore, many.ore, many.mass * 1e4, many.grade, many.scan)
    one, other = (balance(of, kept).found for of in (many, scaled))
    assert {k: v.value for k, v in one.items()} == pytest.approx({k: v.value for k, v in other.items()})


def test_intervals_are_of_scans_and_not_of_particles():
    # every particle four times over, in the same scans: no more is known
    once = drawn(5, 400, scans=20, spread=1.0)
    rows = np.tile(np.arange(400), 4)
    often = lot(once.p_ore[rows], once.ore[rows], once.mass[rows], once.grade[rows], once.scan[rows])
    one, four = (balance(of, is_ore(of.p_ore, 0.5)).found["metal_recovery"] for of in (once, often))
    assert one == pytest.approx(four)
    assert one.high - one.low > 0.02


@pytest.mark.parametrize(
    "assays", [(0.5, 1.0, 0.6), (0.5, 0.4, 0.1), (0.5, 0.5, 0.5), (0, 1, 0), (0.5, float("nan"), 0.1), (-1, 1, 0)]
)
def test_assays_that_contradict_each_other_tell_nothing(assays):
    assert np.isnan(two_product(*assays)).all()


def test_the_two_product_formula_of_a_text_book():
    # feed 1 %, concentrate 25 %, tail 0.1 %: yield 0.9 / 24.9
    assert two_product(1, 25, 0.1) == pytest.approx((0.9 / 24.9, 0.9 * 25 / 24.9))


def test_a_particle_richer_than_the_mineral_leaves_no_separation_efficiency():
    found = balance(lot([0.9, 0.1], [1, 0], grade=[40.0, 0.1]), np.array([True, False]))
    assert "a particle holds 40 wt %, the mineral only 34.6" in found.left_out["separation_efficiency"]
    assert "separation_efficiency" not in found.found
    assert found.found["metal_recovery"].value == pytest.approx(40 / 40.1)
