"""The drift alarm: silent on a belt as in training, loud with figures on another."""

import json

import numpy as np
import pytest
from pairs import AIR

from oresort.sorting.drift import compare, count_answers, describe_pairs, pair_figures

RANGE = {"min": 0.0080, "median": 0.0085, "max": 0.0090}


def pairs(count, seed, noise=0.03, thickness=1.0, ratio=1.6, offset=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:40j, -1:1:40j]
    shape = np.sqrt(np.clip(1 - y**2 - x**2, 0, None))
    found = []
    for _ in range(count):
        h = thickness * rng.uniform(0.7, 1.2) * shape
        layers = []
        for a in (h * ratio * rng.uniform(0.95, 1.05), h):
            counts = AIR * np.exp(-a) + noise * np.sqrt(AIR * AIR * np.exp(-a)) * rng.standard_normal(h.shape)
            layers.append(np.where(shape > 0, (counts + offset).clip(1, 65_535), 0).astype(np.uint16))
        found.append(pair_figures(layers[0], layers[1], AIR, "zero"))
    return found


@pytest.mark.parametrize(("height", "width"), [(1, 2), (1, 3), (2, 2), (9, 8), (15, 9), (40, 31)])
def test_grain_is_the_median_step_between_pixels_side_by_side(height, width):
    rng = np.random.default_rng(width)
    low, high = rng.integers(1, 65_536, (2, height, width)).astype(np.uint16)
    low[rng.random(low.shape) < 0.1] = 0
    low[0, :2] = 7, 900
    figures = pair_figures(low, high, AIR, "zero")
    steps = [
        abs(float(np.log(counts[y, x + 1]) - np.log(counts[y, x])))
        for counts in (low.astype(float), high.astype(float))
        for y in range(0, height, max(height // 8, 1))  # of eight lines and more
        for x in range(width - 1)
        if low[y, x] and low[y, x + 1]
    ]
    expected = [1.4826 / np.sqrt(2) * np.median(part) for part in np.split(np.array(steps), 2)]
    assert (figures.grain_low, figures.grain_high) == pytest.approx(expected, rel=1e-4)
    assert figures.low_mean == pytest.approx(np.log(AIR / low[low > 0].astype(float)).mean(), rel=1e-5)


@pytest.fixture(scope="module")
def seen():
    figures = pairs(240, 0)
    return {
        "scans": {"noise_low": RANGE, "air_low": {"min": 52_000.0, "median": 52_300.0, "max": 52_400.0}},
        "pairs": describe_pairs(figures, [k // 10 for k in range(240)]),
        "p_ore": count_answers(np.linspace(0, 1, 300)),
    }


def alarms(known):
    return {one.name: one.alarm for one in known if one.alarm}


def test_figures_of_a_pair_with_a_known_answer():
    low, high = (np.full((30, 20), AIR * np.exp(-a)).astype(np.uint16) for a in (1.5, 1.0))
    low[:, :5] = high[:, :5] = 0  # background
    figures = pair_figures(low, high, AIR, "zero")
    assert figures.area == 450
    assert (figures.low_mean, figures.high_mean, figures.r) == pytest.approx((1.5, 1.0, 1.5), abs=1e-3)
    assert figures.grain_low == figures.grain_high == 0
    noisy = (low * (1 + 0.05 * np.random.default_rng(0).standard_normal(low.shape))).astype(np.uint16)
    assert pair_figures(noisy, high, AIR, "zero").grain_low == pytest.approx(0.05, rel=0.15)


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize("count", [5, 30, 200])
def test_a_belt_as_in_training_is_no_alarm(seen, seed, count):
    p_ore = np.random.default_rng(seed).random(count)
    known = compare(seen, {"noise_low": 0.0092, "air_low": 50_000.0}, pairs(count, seed), p_ore)
    assert len(known) == 10
    assert alarms(known) == {}


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"noise": 0.06}, {"grain_low", "grain_high"}),
        ({"thickness": 2.0}, {"low_mean", "high_mean"}),
        ({"ratio": 1.0}, {"r", "low_mean"}),
        ({"offset": 3_000}, {"bend"}),  # of a dark level that nobody takes off
        ({"offset": -2_000}, {"bend"}),
    ],
)
def test_other_particles_are_an_alarm(seen, changed, names):
    found = alarms(compare(seen, {}, pairs(30, 5, **changed), np.linspace(0, 1, 30)))
    assert names <= set(found)
    assert all("in training" in text for text in found.values())


def test_bend_is_r_of_the_thick_half_over_that_of_the_thin_half():
    low, high = np.zeros((2, 6, 8), np.uint16)
    for place, (a, b) in ((slice(0, 4), (0.5, 0.3)), (slice(4, 8), (2.0, 1.0))):
        low[1:5, place], high[1:5, place] = (round(AIR * np.exp(-x)) for x in (a, b))
    assert pair_figures(low, high, AIR, "zero").bend == pytest.approx(2.0 / (0.5 / 0.3), rel=1e-3)


def test_the_median_of_many_scans_lies_nearer_to_training_than_that_of_one():
    figures = pairs(240, 0)
    known = {"pairs": describe_pairs(figures, [k // 10 for k in range(240)])}
    known["pairs"]["r"] |= {"least": 1.4, "greatest": 1.8}  # of single scans
    other = pairs(100, 3, ratio=1.75)
    assert "r" not in alarms(compare(known, {}, other, np.zeros(0)))
    assert "r" in alarms(compare(known, {}, other, np.zeros(0), scans=50))


def test_another_scan_is_an_alarm_with_figures(seen):
    known = compare(seen, {"noise_low": 0.017, "air_low": 40_000.0, "residual": 0.5}, [], np.zeros(0))
    assert alarms(known) == {
        "noise_low": "noise of the low layer (%, smoothed) 1.70 against 0.80-0.90 in training",
        "air_low": "air of the low layer (counts) 40,000 against 52,000-52,400 in training",
    }


def test_other_answers_are_an_alarm(seen):
    found = alarms(compare(seen, {}, [], np.full(40, 0.95)))
    assert found == {"p_ore": "particles with p_ore of 0.9 and more (%) 100 against 10 in training"}
    assert not alarms(compare(seen, {}, [], np.linspace(0.1, 1, 40)))


@pytest.mark.parametrize("changed", [{}, {"noise": 0.04}, {"thickness": 1.15}, {"ratio": 1.64}, {"offset": 900}])
@pytest.mark.parametrize("ore", [0.2, 0.45, 0.5, 0.9])
def test_a_figure_is_an_alarm_where_it_lies_beyond_what_it_says_and_nowhere_else(seen, changed, ore):
    scan = {"noise_low": 0.0113, "air_low": 57_000.0, "residual": 0.05}
    seen = {**seen, "scans": {**seen["scans"], "residual": {"min": 0.02, "median": 0.03, "max": 0.04}}}
    known = compare(seen, scan, pairs(30, 5, **changed), (np.random.default_rng(0).random(30) < ore).astype(np.float32))
    assert len(known) == 11
    for one in known:
        assert bool(one.alarm) == (one.value > one.above or (one.below is not None and one.value < one.below))
        assert one.below is None or one.below <= one.least <= one.greatest <= one.above


def test_a_figure_says_what_it_is_and_from_where_on_it_is_an_alarm(seen):
    told = {one.name: one for one in compare(seen, {"noise_low": 0.0092}, [], np.linspace(0.3, 1, 200))}
    share = told["p_ore"]
    assert (share.title, share.here, share.training) == ("particles with p_ore of 0.3 and more (%)", "100", "70")
    assert (share.silent, share.alarm) == (
        "50 to 90",
        "particles with p_ore of 0.3 and more (%) 100 against 70 in training",
    )
    assert (share.least, share.below, share.above) == pytest.approx((0.7, 0.5, 0.9))
    noise = told["noise_low"]
    assert (noise.here, noise.training, noise.silent, noise.alarm) == ("0.92", "0.80-0.90", "0.64 to 1.12", "")


def test_what_is_not_known_is_not_compared(seen):
    assert compare({}, {"noise_low": 0.5}, pairs(9, 0), np.ones(9)) == []
    assert describe_pairs([], []) == {}
    nothing = pair_figures(np.zeros((5, 5), np.uint16), np.zeros((5, 5), np.uint16), AIR, "zero")
    assert nothing.area == 0
    assert "r" not in describe_pairs([nothing], ["a"])
    assert compare(seen, {"noise_low": None, "air_low": float("nan")}, [nothing] * 9, np.zeros(3)) == [
        one for one in compare(seen, {}, [nothing] * 9, np.zeros(3)) if one.name == "area"
    ]
    json.dumps(seen, allow_nan=False)
