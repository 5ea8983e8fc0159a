"""What is expected of a belt without labels: right where it is like validation, and nothing where nothing is known."""

import numpy as np
import pytest
from lots import drawn, lot

from oresort.sorting.balance import balance
from oresort.sorting.decide import is_ore
from oresort.sorting.expected import Expectation
from oresort.sorting.money import money
from oresort.sorting.prices import Prices

PRICES = Prices(metal_price=10_000, mill_cost=12, dump_cost=2, sort_cost=1, mill_recovery=0.8)


def test_a_belt_like_validation_is_expected_as_it_turns_out():
    known, covered = drawn(0, 4_000, scans=80), 0
    for seed in range(1, 11):
        belt = drawn(seed, 4_000, scans=80)
        kept = is_ore(belt.p_ore, 0.4)
        expecting = Expectation(known, 0.4)
        for part in np.array_split(np.arange(4_000), 7):
            expecting.add(belt.p_ore[part], belt.mass[part], kept[part])
        found, true = expecting.figures(), balance(belt, kept)
        assert set(found.left_out) == {"gain"}  # there are no prices
        assert found.found["mass_yield"].value == pytest.approx(true.found["mass_yield"].value)
        for name in ("recovery", "mass_recovery", "metal_recovery"):
            assert found.found[name].value == pytest.approx(true.found[name].value, abs=0.03)
        own = found.found["recovery"]
        covered += own.low - 0.01 <= true.found["recovery"].value <= own.high + 0.01
        assert found.found["product_grade"].value > found.found["tail_grade"].value
    assert covered >= 7


def test_the_same_particles_are_expected_exactly():
    # validation itself, in whose own classes the threshold is an edge
    known = drawn(3, 2_000)
    kept = is_ore(known.p_ore, 0.3)
    expecting = Expectation(known, 0.3, PRICES)
    expecting.add(known.p_ore, known.mass, kept)
    found, true = expecting.figures().found, balance(known, kept).found
    assert found["gain"].value == pytest.approx(money(known, kept, PRICES).gain.value)
    assert found["gain"].low < found["gain"].value < found["gain"].high
    for name in ("recovery", "mass_recovery", "metal_recovery", "feed_grade", "product_grade", "tail_grade"):
        assert found[name].value == pytest.approx(true[name].value), name
        assert found[name].low < found[name].value < found[name].high


def test_what_is_not_known_is_left_out_by_name():
    p, mass, kept = np.array([0.9, 0.1], np.float32), np.ones(2), np.array([True, False])
    for known, why in ((None, "knows no validation pairs"), (drawn(0, 50), "only 50 validation pairs")):
        expecting = Expectation(known, 0.5)
        expecting.add(p, mass, kept)
        found = expecting.figures()
        assert set(found.found) == {"mass_yield"}
        assert why in found.left_out["recovery"]
    plain = drawn(0, 500)
    expecting = Expectation(lot(plain.p_ore, plain.ore, scan=plain.scan), 0.5)
    expecting.add(p, mass, kept)
    assert "a grade for 0 of 500" in expecting.figures().left_out["metal_recovery"]
    nothing = Expectation(plain, 0.5)
    assert "no particle" in nothing.figures().left_out["recovery"]
    assert "mass_yield" in nothing.figures().left_out


def test_particles_without_an_answer_count_for_the_yield_alone():
    known = drawn(1, 1_000)
    whole, part = Expectation(known, 0.5), Expectation(known, 0.5)
    p, mass = known.p_ore[:100], np.ones(100)
    whole.add(p, mass, is_ore(p, 0.5))
    part.add(np.append(p, np.float32(np.nan)), np.append(mass, 900), np.append(is_ore(p, 0.5), True))
    assert part.unanswered == 1
    assert part.figures().found["recovery"] == pytest.approx(whole.figures().found["recovery"])
    assert part.figures().found["mass_yield"].value > 0.9
