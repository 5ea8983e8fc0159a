import numpy as np
import pytest
from scipy import ndimage

from oresort.scan.calibrate.resample import lines_at, resample, taps

PICTURE = np.random.default_rng(0).random((40, 50)).astype(np.float32)


@pytest.mark.parametrize(("scale", "column", "row"), [(1.0, 0.0, 0.0), (1.0077, 7.3, 5.27), (0.993, 9.0, 4.5)])
def test_inside_it_is_scipys_affine_transform(scale, column, row):
    shape = (28, 36)
    spline = ndimage.spline_filter(PICTURE, order=3, output=np.float32, mode="nearest")
    expected = ndimage.affine_transform(
        spline, [1.0, scale], [row, column], shape, order=3, prefilter=False, mode="nearest"
    )
    inner = np.s_[1:-1, 1:-1]
    found = resample(PICTURE, lines_at(row, shape[0], 40), taps(column, scale, shape[1], 50).blocks(0, shape[1], 0, 50))
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-6)


def test_pixels_are_met_at_whole_places_and_go_on_beyond_the_rim():
    found = resample(PICTURE, lines_at(-2.0, 45, 40), taps(-3.0, 1.0, 57, 50).blocks(0, 57, 0, 50))
    np.testing.assert_allclose(found, np.pad(PICTURE, ((2, 3), (3, 4)), mode="edge"), atol=1e-6)


def test_a_cubic_is_kept_between_pixels():
    y, x = np.mgrid[:40, :50] / 40.0
    cubic = (x**3 - x * y**2).astype(np.float32)
    found = resample(cubic, lines_at(12.6, 15, 40), taps(12.3, 1.01, 20, 50).blocks(0, 20, 0, 50))
    y, x = (12.6 + np.arange(15)[:, None]) / 40, (12.3 + 1.01 * np.arange(20)) / 40
    np.testing.assert_allclose(found, x**3 - x * y**2, atol=1e-5)


@pytest.mark.parametrize(("start", "stop"), [(0, 60), (0, 1), (100, 170), (297, 300), (180, 300)])
@pytest.mark.parametrize(("scale", "offset"), [(1.0075, -7.4), (0.99, 9.3), (1.0, 0.0)])
def test_some_places_are_those_of_the_whole_from_a_part_of_the_picture(start, stop, scale, offset):
    belt = np.random.default_rng(1).random((30, 300)).astype(np.float32)
    columns, lines = taps(offset, scale, 300, 300), lines_at(0.3, 20, 30)
    whole = resample(belt, lines, columns.blocks(0, 300, 0, 300))
    first, last = columns.pixels(start, stop)
    part = np.ascontiguousarray(belt[:, max(first, 0) : last])
    found = resample(part, lines, columns.blocks(start, stop, max(first, 0), part.shape[1]))
    np.testing.assert_allclose(found, whole[:, start:stop], atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 5, 12, 27, 28, 29])
def test_a_picture_narrower_than_the_spline_reaches_is_mirrored_as_often_as_it_takes(size):
    picture = np.random.default_rng(2).random((size, size)).astype(np.float32)
    wide = np.pad(picture, 64, mode="symmetric")
    places = 0.4 * (size - 1)
    found = resample(picture, lines_at(places, 1, size), taps(places, 1.0, 1, size).blocks(0, 1, 0, size))
    around = len(wide)
    columns = taps(64 + places, 1.0, 1, around).blocks(0, 1, 0, around)
    expected = resample(wide, lines_at(64 + places, 1, around), columns)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_picture_larger_than_what_is_multiplied_at_once_is_the_same():
    picture = np.random.default_rng(3).random((150, 310)).astype(np.float32)
    columns = taps(0.4, 1.0075, 300, 310)
    whole = resample(picture, lines_at(1.3, 145, 150), columns.blocks(0, 300, 0, 310))
    few = resample(picture[60:120], lines_at(13.3, 20, 60), columns.blocks(140, 160, 0, 310))
    np.testing.assert_allclose(whole[72:92, 140:160], few, atol=1e-6)
