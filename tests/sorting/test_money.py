"""What sorting is worth: a lot reckoned by hand, and what holds for every lot and price."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lots import drawn, lot

from oresort.errors import InputError
from oresort.sorting.decide import is_ore
from oresort.sorting.money import FACTORS, best_threshold, money
from oresort.sorting.operating import Operating
from oresort.sorting.point import choose_point
from oresort.sorting.prices import Prices, load_prices

PRICES = Prices(metal_price=10_000, mill_cost=12, dump_cost=2, sort_cost=1, mill_recovery=0.8, payable=1.0)
EXAMPLE = Path(__file__).parents[2] / "docs" / "prices.yaml"


def test_a_lot_reckoned_by_hand():
    # a tonne of metal brings 8,000: 1 % is 80 a tonne, break-even (12 - 2) / 8000 = 0.125 %
    few = lot([0.9, 0.6, 0.2], [1, 0, 0], [1, 1, 2], [1.0, 0.05, 0.1])
    found = money(few, np.array([True, True, False]), PRICES)
    assert PRICES.break_even == pytest.approx(0.125)
    assert found.value.value == pytest.approx((80 + 4 - 24 - 4) / 4 - 1)
    assert found.no_sorting.value == pytest.approx((80 + 4 + 16) / 4 - 12)
    assert found.perfect.value == pytest.approx((80 - 12 - 6) / 4 - 1)
    assert found.gain.value == pytest.approx(0)
    assert found.share_of_perfect.value == pytest.approx(0)
    assert found.best_threshold == pytest.approx(0.9)
    assert found.best_value.value == pytest.approx(found.perfect.value)


@given(st.integers(0, 5_000), st.floats(500, 50_000), st.floats(0.1, 0.9))
@settings(max_examples=20, deadline=None)
def test_what_holds_for_every_lot_and_price(seed: int, price: float, threshold: float):
    many = drawn(seed, 200)
    prices = Prices(metal_price=price, mill_cost=10, dump_cost=1, sort_cost=2, mill_recovery=0.85)
    kept = is_ore(many.p_ore, threshold)
    found = money(many, kept, prices)
    assert found.value.value <= found.best_value.value + 1e-9 <= found.perfect.value + 2e-9
    assert found.no_sorting.value <= found.perfect.value + prices.sort_cost + 1e-9
    # the textbook formula: V = yield (grade x what it brings - milling) - (1 - yield) dumping - sorting
    gamma = many.mass[kept].sum() / many.mass.sum()
    beta = np.average(many.grade[kept], weights=many.mass[kept]) if kept.any() else 0
    expected = gamma * (beta / 100 * prices.of_metal - 10) - (1 - gamma) * 1 - 2
    assert found.value.value == pytest.approx(expected)
    # no cut of the curve is worth more than the best
    assert found.curve["value"].max() <= found.best_value.value + 1e-9
    for cut, yielded, value in zip(*(found.curve[k] for k in ("threshold", "mass_yield", "value")), strict=True):
        own = is_ore(many.p_ore, cut)
        assert yielded == pytest.approx(many.mass[own].sum() / many.mass.sum())
        assert (
            value == pytest.approx(money(many, own, prices).value.value) if cut in found.curve["threshold"][:3] else 1
        )


def test_sensitivity_is_what_another_price_would_give():
    many = drawn(7)
    kept = is_ore(many.p_ore, 0.5)
    rows = money(many, kept, PRICES).sensitivity
    assert [row["factor"] for row in rows] == list(FACTORS)
    dear = next(row for row in rows if row["factor"] == 1.5)
    other = money(many, kept, PRICES.at(1.5))
    assert dear["metal_price"] == 15_000
    assert (dear["value"], dear["no_sorting"], dear["perfect"], dear["best_value"]) == pytest.approx(
        (other.value.value, other.no_sorting.value, other.perfect.value, other.best_value.value)
    )
    # the dearer the metal, the more is worth milling
    assert all(a["best_threshold"] >= b["best_threshold"] for a, b in pairwise(rows))


def test_the_best_threshold_keeps_all_or_nothing_where_that_pays():
    rich, poor = lot([0.1, 0.9], [0, 1], grade=[5, 5]), lot([0.1, 0.9], [0, 1], grade=[0, 0])
    assert best_threshold(rich, PRICES) == 0
    assert best_threshold(poor, PRICES) == 1
    assert not is_ore(poor.p_ore, best_threshold(poor, PRICES)).any()
    assert choose_point("value", rich, Operating(), PRICES).threshold == 0


def test_without_grades_nothing_has_a_value():
    with pytest.raises(InputError, match=r"0 of 2 particles, so nothing has a value"):
        money(lot([0.1, 0.9], [0, 1]), np.array([False, True]), PRICES)


def test_the_example_can_be_read_and_breaks_even_where_it_should(tmp_path: Path):
    prices = load_prices(EXAMPLE)
    assert prices.break_even == pytest.approx(100 * 9.5 / (9000 * 0.96 * 0.85))
    text = EXAMPLE.read_text()
    for old, new, why in (
        ("metal_price: 9000.0", "metal_price: -1", "metal_price=-1"),
        ("metal_price: 9000.0", "metal_price: .nan", "metal_price"),
        ("metal_price: 9000.0", "", "metal_price: missing"),
        ("metal_price: 9000.0", "metal_price: 9 000", "metal_price"),
        ("mill_cost: 10.0", "mill_costs: 10.0", "did you mean mill_cost"),
        ("mill_cost: 10.0", "mill_cost: 0.5", "costs no more to mill than to dump"),
        ("payable: 0.96", "payable: 96", "payable=96"),
        ("currency: $", "currency: 3", "currency"),
    ):
        (tmp_path / "prices.yaml").write_text(text.replace(old, new))
        with pytest.raises(InputError, match=why) as caught:
            load_prices(tmp_path / "prices.yaml")
        assert "\n" not in str(caught.value)
    for odd in ("", "3", "[1]"):
        (tmp_path / "prices.yaml").write_text(odd)
        with pytest.raises(InputError):
            load_prices(tmp_path / "prices.yaml")
    with pytest.raises(InputError, match="nowhere"):
        load_prices(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(("line", "why"), [("metal_price: 4.15", "2,204.6 lb"), ("mineral_grade: 0.1", "its milling")])
def test_prices_at_which_nothing_is_worth_milling_are_asked_about(tmp_path: Path, line: str, why: str):
    key = line.partition(":")[0]
    own = [line if row.startswith(key) else row for row in EXAMPLE.read_text().splitlines()]
    (tmp_path / "own.yaml").write_text("\n".join(own))
    with pytest.raises(InputError, match=why):
        load_prices(tmp_path / "own.yaml")


def test_numbers_may_be_written_as_in_science(tmp_path: Path):
    (tmp_path / "own.yaml").write_text(EXAMPLE.read_text().replace("9000.0", "9e3"))
    assert load_prices(tmp_path / "own.yaml") == load_prices(EXAMPLE)


def test_a_gain_over_milling_at_a_loss_is_doubted():
    poor = lot([0.9, 0.2], [1, 0], grade=[0.05, 0.01])
    lines = money(poor, np.array([True, False]), PRICES).doubts
    assert [line.split(" ")[0] for line in lines] == ["without"]
    assert "loses 9.60 per tonne" in lines[0]
    rich = lot([0.9, 0.2], [1, 0], grade=[1.0, 1.0])
    (line,) = money(rich, np.array([True, False]), PRICES).doubts
    assert "sorting loses money" in line
