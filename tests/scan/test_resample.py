import numpy as np
import pytest
from scipy import ndimage

from oresort.scan.calibrate.resample import resample, spline_of, taps

PICTURE = np.random.default_rng(0).random((40, 50)).astype(np.float32)


@pytest.mark.parametrize(("scale", "column", "row"), [(1.0, 0.0, 0.0), (1.0077, 7.3, 5.27), (0.993, 9.0, 4.5)])
def test_inside_it_is_scipys_affine_transform(scale, column, row):
    shape = (28, 36)
    spline = ndimage.spline_filter(PICTURE, order=3, output=np.float32, mode="nearest")
    np.testing.assert_allclose(spline_of(PICTURE), spline, atol=2e-6)
    expected = ndimage.affine_transform(
        spline, [1.0, scale], [row, column], shape, order=3, prefilter=False, mode="nearest"
    )
    inner = np.s_[1:-1, 1:-1]
    found = resample(spline_of(PICTURE), taps(row, 1.0, shape[0], 40), taps(column, scale, shape[1], 50))
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-6)


def test_pixels_are_met_at_whole_places_and_go_on_beyond_the_rim():
    found = resample(spline_of(PICTURE), taps(-2.0, 1.0, 45, 40), taps(-3.0, 1.0, 57, 50))
    np.testing.assert_allclose(found, np.pad(PICTURE, ((2, 3), (3, 4)), mode="edge"), atol=1e-6)


def test_a_cubic_is_kept_between_pixels():
    y, x = np.mgrid[:40, :50] / 40.0
    cubic = spline_of((x**3 - x * y**2).astype(np.float32))
    found = resample(cubic, taps(12.6, 1.0, 15, 40), taps(12.3, 1.01, 20, 50))
    y, x = (12.6 + np.arange(15)[:, None]) / 40, (12.3 + 1.01 * np.arange(20)) / 40
    np.testing.assert_allclose(found, x**3 - x * y**2, atol=1e-5)
