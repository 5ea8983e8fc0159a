"""The detector's noise has the moments that were measured."""

import numpy as np
import pytest

from oresort.belt.noise import ELECTRONIC, GAIN, SKEW, Pattern, add_noise, draw_pattern
from oresort.belt.sorter import COLUMNS, LINES
from oresort.belt.spread import LIGHT, MARGIN, spread

LEVELS = (8_000.0, 25_000.0, 52_350.0)


def flat(level: float, height: int = 600, width: int = 400) -> np.ndarray:
    return np.full((2, height, width), level, dtype=np.float32)


def quiet() -> Pattern:
    """A detector without row or column deviations and the same noise everywhere."""
    return Pattern(
        np.zeros((2, LINES), np.float32),
        np.zeros((2, COLUMNS), np.float32),
        np.ones((2, COLUMNS), np.float32),
    )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("exposure", [0.5, 1.0])
def test_variance_is_gain_times_signal_plus_electronics(level: float, exposure: float):
    counts = add_noise(np.random.default_rng(1), flat(level), quiet(), (0, 500), exposure).astype(float)
    for layer in (0, 1):
        expected = GAIN[layer] / exposure * level + ELECTRONIC[layer] ** 2
        assert counts[layer].mean() == pytest.approx(level, rel=2e-3)
        # 240,000 pixels, a few of which are correlated: 1.5 % is five standard errors
        assert counts[layer].var() == pytest.approx(expected, rel=0.015)


def test_skewness_and_correlation_are_those_of_the_scintillators():
    noise = add_noise(np.random.default_rng(2), flat(LEVELS[2]), quiet(), (0, 500), 1.0).astype(float)
    noise -= noise.mean(axis=(1, 2), keepdims=True)
    for layer, kernel in enumerate(LIGHT):
        z = noise[layer] / noise[layer].std()
        power = np.sum(kernel**2)
        # a sum of independent skewed parts is less skewed, by the sum of cubes over that of squares to the 3/2
        assert np.mean(z**3) == pytest.approx(SKEW[layer] * np.sum(kernel**3) / power**1.5, abs=0.03)
        for lag in (1, 2):
            expected = np.sum(kernel[lag:] * kernel[:-lag]) / power
            assert np.mean(z[:, lag:] * z[:, :-lag]) == pytest.approx(expected, abs=0.01)
        assert np.mean(z[1:] * z[:-1]) == pytest.approx(0, abs=0.01)  # lines are independent
    assert np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1] == pytest.approx(0, abs=0.01)


def test_the_pattern_has_the_measured_deviations():
    drawn = [draw_pattern(np.random.default_rng(seed)) for seed in range(20)]
    rows = np.stack([pattern.rows for pattern in drawn]).astype(float)
    assert rows.std(axis=2).mean(axis=0) == pytest.approx([0.0023, 0.0036], rel=0.05)
    assert np.mean([np.corrcoef(*r)[0, 1] for r in rows]) == pytest.approx(0.97, abs=0.02)
    variance = np.mean([pattern.variance for pattern in drawn], axis=0)
    assert (variance[:, 2700] > 2 * variance[:, 900]).all()  # noise grows far from the source


def test_saturation_clips_and_darkness_is_no_less_than_zero():
    assert add_noise(np.random.default_rng(3), flat(80_000.0, 20, 20), quiet(), (0, 500), 1.0).min() == 65_535
    assert add_noise(np.random.default_rng(3), flat(0.0, 20, 20), quiet(), (0, 500), 1.0).min() == 0


@pytest.mark.parametrize("layer", [0, 1])
def test_spreading_keeps_the_signal(layer: int):
    removed = np.zeros((60, 200), np.float32)
    removed[25:35, 95:105] = 0.7
    for scatter in (0.0, 1.0):
        read = spread(removed, layer, scatter)
        assert read.sum() == pytest.approx(removed.sum(), rel=1e-4)
    assert (read[: 25 - MARGIN[0]] == 0).all()  # a slit lets scatter pass along the line alone
    assert read[30, 110] > 0.001
