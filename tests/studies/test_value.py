"""The study of value: a lot reckoned by hand, worse answers, where a line crosses zero, and pictures of odd tables."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lots import drawn, lot

from oresort.errors import InputError
from oresort.simulate import SimulateConfig
from oresort.sorting.decide import is_ore
from oresort.sorting.money import money
from oresort.sorting.prices import Prices, load_prices
from studies.value.__main__ import study
from studies.value.draw import draw_prices
from studies.value.settings import MINES, Options
from studies.value.tables import noisy, of_associations
from studies.value.worth import auroc, by_value, crossings, told, worth

PRICES = Prices(metal_price=10_000, mill_cost=12, dump_cost=2, sort_cost=1, mill_recovery=0.8, payable=1.0)
EXAMPLE = Path(__file__).parents[2] / "docs" / "prices.yaml"


def test_a_gain_is_over_the_better_of_milling_and_dumping_all():
    # a tonne of metal brings 8,000: 1 % is 80 a tonne
    rich = lot([0.9, 0.6, 0.2], [1, 0, 0], [1, 1, 2], [1.0, 0.05, 0.1])
    found = worth(rich, np.array([True, False, False]), PRICES)
    assert found.without == "mill"
    assert found.gain[0] == pytest.approx((80 - 12 - 6) / 4 - 1 - ((80 + 4 + 16) / 4 - 12))
    assert found.perfect[0] == pytest.approx(found.gain[0])
    assert found.mass_yield[0] == pytest.approx(1 / 4)
    assert found.metal_recovery[0] == pytest.approx(1 / 1.25)
    poor = lot([0.9, 0.2], [1, 0], grade=[0.2, 0.01])
    found = worth(poor, np.array([True, False]), PRICES)
    assert found.without == "dump"
    assert found.gain[0] == pytest.approx((16 - 12 - 2) / 2 - 1 + 2)


def test_over_milling_it_is_what_evaluate_tells():
    many = drawn(0)
    kept = is_ore(many.p_ore, 0.5)
    found, known = worth(many, kept, PRICES), money(many, kept, PRICES)
    assert found.without == "mill"
    assert told("gain", found.gain, many) == pytest.approx(
        {"gain": known.gain.value, "gain_low": known.gain.low, "gain_high": known.gain.high}
    )


def test_noise_costs_auroc_and_money():
    val, test = drawn(1, 4_000), drawn(2, 4_000)
    grade = PRICES.break_even
    points = [100 * auroc(noisy(test, noise, 1), grade)[0] for noise in (0, 0.5, 1, 4)]
    assert points == sorted(points, reverse=True)
    assert noisy(test, 0, 1).p_ore == pytest.approx(test.p_ore, abs=1e-6)
    gains = []
    for noise in (0, 4):
        own, other = noisy(val, noise, 1), noisy(test, noise, 2)
        gains.append(worth(other, by_value(own, other, PRICES)[1], PRICES).gain[0])
    assert gains[0] > gains[1]


def test_where_a_line_crosses_zero():
    prices = np.array([1.0, 2, 3, 4])
    assert crossings(prices, np.array([-1.0, 1, 1, -3])) == pytest.approx((1.5, 3.25))
    assert np.isnan(crossings(prices, -prices)).all()
    low, high = crossings(prices, np.array([1.0, 1, -1, -1]))
    assert np.isnan(low)
    assert high == pytest.approx(2.5)


def test_a_table_by_hand_is_summed_and_drawn():
    prices = load_prices(EXAMPLE)
    rows = [
        {"mine": mine, "association": association, "metal_price": price, "gain": gain + association, "perfect": 3.0}
        for mine, associations in (("apart", (0.0, 1.0)), ("mixed", (0.8,)))
        for association in associations
        for price, gain in ((3000, -2.0), (9000, 0.5), (25000, -1.5))
    ]
    table = pd.DataFrame(rows)
    found = of_associations(table, 9000)
    assert found["gain"].tolist() == [0.5, 1.5, 1.3]
    assert found["pays_from"].tolist() == pytest.approx([7800, 5400, 5880], abs=1)
    assert draw_prices(table, prices).axes


def test_every_word_of_simulate_is_known_and_odd_keys_are_refused(tmp_path: Path):
    for words in MINES.values():
        assert {word.split("=")[0] for word in words} <= set(SimulateConfig.__dataclass_fields__)
    for options, why in (
        (Options(tmp_path, metal_prices=[5000.0]), "without the 9000"),
        (Options(tmp_path, seeds=[800]), "another for the test"),
    ):
        with pytest.raises(InputError, match=why):
            study(options)
