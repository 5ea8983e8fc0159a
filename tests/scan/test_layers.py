import numpy as np
import pytest

from oresort.scan.calibrate.quadratic import about_quadratic
from oresort.scan.cut.layers import _pictures, attenuation_of, compared, judged


def rock(lines=60, width=70, noise=0.026, seed=0, hole=False):
    """Return attenuations (h, w) of half an ellipsoid in both layers, its own grain included, and its mask."""
    rows, columns = np.mgrid[:lines, :width]
    inside = 1 - ((rows - lines / 2) / 27) ** 2 - ((columns - width / 2) / 32) ** 2
    thick = np.sqrt(np.maximum(inside, 0))
    rng = np.random.default_rng(seed)
    attenuation = [1.4 * thick, 0.9 * thick]
    if hole:  # a grain of ore: low attenuates more there than the rock around it
        grain = (rows - 25) ** 2 + (columns - 40) ** 2 < 64
        attenuation = [attenuation[0] + 0.5 * grain, attenuation[1] + 0.2 * grain]
    layers = [np.exp(-a) * (1 + noise * np.exp(a / 2) * rng.standard_normal(a.shape)) for a in attenuation]
    low, high = attenuation_of(np.array(layers, np.float32))
    return low, high, inside > 0.02


@pytest.mark.parametrize("noise", [0, 0.026, 0.05])
@pytest.mark.parametrize("hole", [False, True])
def test_layers_of_one_rock_agree(noise, hole):
    low, high, mask = rock(noise=noise, hole=hole)
    layers = compared(low, high, mask)
    assert layers.agree
    assert layers.low == pytest.approx(1.4 * 2 / 3, rel=0.1)
    assert layers.low / layers.high == pytest.approx(1.4 / 0.9, rel=0.05)


@pytest.mark.parametrize("lag", [-20, -8, -5, -3, -2, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("noise", [0.01, 0.026, 0.05])
def test_a_layer_that_lags_by_two_lines_or_more_does_not_agree(lag, noise):
    low, high, mask = rock(noise=noise)
    assert not compared(low, np.roll(high, lag, axis=0), mask).agree


@pytest.mark.parametrize("first", [20, 25, 30])
@pytest.mark.parametrize("count", [4, 8])
def test_lines_that_one_layer_wrote_twice_in_the_midst_of_a_rock_show(first, count):
    low, high, mask = rock()
    doubled = np.concatenate([high[: first + count], high[first:-count]])
    assert not compared(low, doubled, mask).agree


def test_exchanged_layers_do_not_agree():
    low, high, mask = rock()
    assert not compared(high, low, mask).agree


@pytest.mark.parametrize("spread", [0, 1e-6, 1e-3, 0.03])
def test_a_slab_of_one_thickness_has_a_curve_as_well(spread):
    high = (0.8 * (1 + spread * np.random.default_rng(0).standard_normal(5_000))).astype(np.float32)
    left_over = about_quadratic(1.5 * high, high)
    assert np.abs(left_over).max() < 1e-3
    assert np.abs(about_quadratic(1.5 * high + np.float32(0.1) * high**2, high)).max() < 1e-3


def test_attenuation_is_that_of_transmission_and_ends_where_there_is_no_signal():
    layers = np.array([[[1, np.exp(-2)]], [[0, -0.1]]], np.float32)
    found = attenuation_of(layers)
    np.testing.assert_allclose(found, [[[0, 2]], [[9.21, 9.21]]], atol=1e-3)
    np.testing.assert_array_equal(layers[1], np.array([[0, -0.1]], np.float32))  # as it was


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (2, 30), (3, 30), (30, 1), (4, 4)])
def test_of_hardly_any_pixels_the_means_are_known(shape):
    h = np.full(shape, 0.5, np.float32)
    layers = compared(1.5 * h, h, np.ones(shape, np.bool_))
    assert (layers.low, layers.high, layers.agree) == (pytest.approx(0.75), pytest.approx(0.5), True)


def test_what_lies_outside_the_mask_does_not_count():
    low, high, mask = rock()
    expected = compared(low, high, mask)
    low[~mask] = 3
    assert compared(low, high, mask) == expected


def test_a_large_rock_is_compared_as_its_pixels_are():
    low, high, mask = rock(noise=0.01)
    layers = [np.kron(layer, np.ones((4, 4), np.float32)) for layer in (low, high)]
    large, small = compared(*layers, np.kron(mask, np.ones((4, 4), np.bool_))), compared(low, high, mask)
    assert mask.sum() * 16 > 3 * 7_000  # thirds are summed up in parts
    assert large[:2] == pytest.approx(small[:2], rel=1e-6)
    assert large.agree


@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize("noise", [0, 0.026, 0.1])
def test_sums_in_single_precision_never_make_layers_agree_that_do_not(noise, registered):
    answers = set()
    for seed in range(3):
        low, high, mask = rock(noise=noise, seed=seed, hole=seed == 1)
        for lag in np.arange(0, 3, 0.125):
            above, below = (np.roll(high, int(lag) + more, axis=0) for more in (0, 1))
            moved = ((1 - lag % 1) * above + lag % 1 * below).astype(np.float32)
            exact = judged(_pictures(low, moved, mask).astype(np.float64), registered)
            found = compared(low, moved, mask, registered)
            assert found.agree == exact.agree
            assert found[:2] == pytest.approx(exact[:2], rel=1e-5)
            answers.add(found.agree)
    assert answers == {True, False}


@pytest.mark.parametrize("spread", [0, 1e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("share", [0.5, 0.96, 1.0, 1.04, 2.0])
def test_of_a_slab_single_precision_decides_nothing(spread, share):
    rng = np.random.default_rng(1)
    high = (0.8 * (1 + spread * rng.standard_normal((40, 50)))).astype(np.float32)
    mask = np.ones(high.shape, np.bool_)
    low = (1.5 * high * (1 + 0.3 * share * np.sign(rng.standard_normal(high.shape)))).astype(np.float32)
    assert compared(low, high, mask) == judged(_pictures(low, high, mask).astype(np.float64), True)
