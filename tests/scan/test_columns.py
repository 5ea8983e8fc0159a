import numpy as np
import pytest
from ellipses import AIR, scan_of

from oresort.belt import simulate_scan
from oresort.errors import InputError
from oresort.scan.calibrate.air import find_belt
from oresort.scan.calibrate.columns import measure_columns
from oresort.scan.calibrate.correct import Corrector, line_levels

BELT = slice(40, 460)


def crowd(coverage, seed=0, height=600):
    rng = np.random.default_rng(seed)
    count = int(coverage * height * 500 / (np.pi * 25 * 20))
    return scan_of(
        [(rng.uniform(40, 460), rng.uniform(0, height), 25, 20) for _ in range(count)],
        height=height,
        beside=40,
        seed=seed,
    )


def with_gain(counts, gain):
    return np.where(counts == 65_535, counts, np.rint(counts * gain).clip(0, 65_534)).astype(np.uint16)


@pytest.mark.parametrize("coverage", [0.0, 0.1, 0.3])
def test_mean_air_is_within_a_fifth_of_a_percent(coverage):
    columns = measure_columns(crowd(coverage), BELT, "scan")
    assert columns.level == pytest.approx(AIR, rel=0.002)
    assert not columns.dead.any()


def test_a_step_at_a_seam_and_one_columns_own_gain_are_found():
    gain = np.ones(500)
    gain[200:328] = 0.97
    gain[150] = 0.95
    columns = measure_columns(with_gain(crowd(0.2), gain), BELT, "scan")
    relative = columns.air / AIR
    assert relative[210:318].mean() == pytest.approx(0.97, abs=0.001)
    assert relative[340:450].mean() == pytest.approx(1.0, abs=0.001)
    assert relative[150] == pytest.approx(0.95, abs=0.004)
    assert np.abs(relative[BELT] - gain[BELT]).max() < 0.006


def test_columns_that_do_not_differ_are_not_made_to():
    # 600 lines know each column to 0.11 % only: taking that at its word would print the noise on every line
    columns = measure_columns(crowd(0.1), BELT, "scan")
    assert (columns.air[BELT] / AIR).std() < 0.0006


def test_air_of_simulated_scans_is_within_a_fifth_of_a_percent():
    scan = simulate_scan(3, particles=30)
    for counts, air in zip((scan.low, scan.high), scan.settings.air, strict=True):
        belt = find_belt(scan.low, scan.high)
        assert belt == slice(181, 2810)
        assert measure_columns(counts, belt, "scan").level == pytest.approx(air, rel=0.002)


def test_an_air_and_dark_pair_flattens_raw_counts():
    rng = np.random.default_rng(0)
    shape = np.linspace(0.5, 1.0, 500)
    clean = crowd(0.1)
    raw = with_gain(clean, shape) + np.where(clean == 65_535, 0, 700).astype(np.uint16)
    air = rng.normal(0.9 * AIR * shape + 700, 900, (400, 500)).astype(np.uint16)  # taken at another current
    dark = rng.normal(700, 20, (400, 500)).astype(np.uint16)
    columns = measure_columns(raw, BELT, "scan", air, dark)
    flat, truth = Corrector([columns], BELT)(raw[:, None, BELT])[:, 0], clean[:, BELT] / AIR
    assert np.abs(flat.mean(axis=0) - truth.mean(axis=0)).max() < 0.006
    with pytest.raises(InputError, match="499 columns but the scan 500"):
        measure_columns(raw, BELT, "scan", air[:, 1:], dark)
    with pytest.raises(InputError, match="not brighter"):
        measure_columns(raw, BELT, "scan", dark, dark)


def test_noise_follows_the_columns():
    rng = np.random.default_rng(0)
    sd = np.where(np.arange(500) < 250, 0.02, 0.05)
    counts = (AIR * (1 + sd * rng.standard_normal((600, 500)))).clip(0, 65_534).astype(np.uint16)
    noise = measure_columns(counts, slice(0, 500), "scan").noise
    # a Gaussian of one pixel leaves 1 / sqrt(4 pi) of white noise
    np.testing.assert_allclose(noise[[50, 150]], 0.02 * 0.282, rtol=0.1)
    np.testing.assert_allclose(noise[[350, 450]], 0.05 * 0.282, rtol=0.1)


def test_sides_beyond_the_belt_may_be_full_scale_or_dark():
    counts = crowd(0.1)
    assert find_belt(counts, counts) == BELT
    walled = counts.copy()
    walled[:, :70] = 900
    assert find_belt(counts, walled) == BELT  # in one layer only: a module that is dead, and where particles may lie
    assert find_belt(walled, walled) == slice(70, 460)
    dark = scan_of([], height=600)
    dark[:, :30] //= 60
    assert find_belt(dark, dark) == slice(0, 500)
    dark[:, 480:] //= 60
    assert find_belt(dark, dark) == slice(30, 480)


def test_what_a_line_has_in_common_is_found_beside_particles():
    rng = np.random.default_rng(2)
    lines = 1 + 0.01 * rng.standard_normal(300)
    transmission = (scan_of([(250, 150, 100, 80)]) / AIR * lines[:, None]).astype(np.float32)
    bare = np.ones(transmission.shape, np.uint8)
    bare[60:240, 140:360] = 0
    np.testing.assert_allclose(line_levels((transmission * bare)[:, None], bare[:, None])[:, 0], lines, atol=0.006)
    assert (line_levels(0 * transmission[:, None], np.zeros_like(bare)[:, None]) == 1).all()
