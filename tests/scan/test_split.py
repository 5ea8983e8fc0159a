import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from oresort.files.dataset import Cutting
from oresort.scan.segment.split import high_peaks, is_convex, rim_distance, split_touching

ROWS, COLUMNS = np.mgrid[:160, :260]


def disc(x, y, radius, stretch=1.0):
    return ((COLUMNS - x) / stretch) ** 2 + (ROWS - y) ** 2 < radius**2


def cropped(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize("radius", [4, 10, 35])
@pytest.mark.parametrize("stretch", [1.0, 2.4])
def test_one_convex_particle_stays_one(radius, stretch):
    (part,) = split_touching(cropped(disc(130, 80, radius, stretch)))
    assert not part.touching
    assert not part.parted


def test_a_sliver_at_the_border_is_no_clump():
    (part,) = split_touching(cropped(disc(130, 0, 60) & (ROWS < 5) | disc(160, 0, 70) & (ROWS < 4)))
    assert not part.touching


@pytest.mark.parametrize("gap", [-1, 3, 8])
def test_two_discs_in_touch_are_parted_where_they_meet(gap):
    one, other = disc(80, 80, 35), disc(80 + 60 - gap, 80, 25)
    both = one | other
    parts = split_touching(cropped(both))
    assert len(parts) == 2
    assert all(part.parted and not part.touching for part in parts)
    assert sum(part.mask.astype(int) for part in parts).max() == 1
    areas = sorted(int(part.mask.sum()) for part in parts)
    assert areas == pytest.approx(sorted([int(other.sum()), int(one.sum())]), rel=0.06)
    np.testing.assert_array_equal(sum(part.mask for part in parts), cropped(both))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(1, 12), st.integers(0, 3))
@example(449, 4.0, 0)  # a pixel at a seam that holds on by a corner alone
@example(181, 6.0, 1)
def test_parts_of_whatever_shape_are_the_whole(seed, smooth, hairs):
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((170, 130)), smooth) > 0
    for _ in range(hairs):  # of one pixel, where every second one sees nothing or a chain of islands
        y, x = rng.integers(0, 100, 2)
        field[y, x : x + 30] = field[y : y + 40, x] = True
    labels, _ = ndimage.label(field, np.ones((3, 3)))
    mask = cropped(labels == np.bincount(labels.ravel())[1:].argmax() + 1)
    parts = split_touching(mask, min_area=1)
    np.testing.assert_array_equal(sum(part.mask.astype(int) for part in parts), mask)
    for part in parts:
        assert ndimage.label(part.mask, np.ones((3, 3)))[1] == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(12, 30), st.floats(0.7, 1.5), st.floats(-1, 1)), min_size=2, max_size=4))
def test_parts_are_those_of_a_plain_watershed_but_for_pixels_where_they_meet(links):
    mask, x = np.zeros(ROWS.shape, bool), 0.0
    for k, (radius, stretch, aside) in enumerate(links):
        x += radius * stretch - (4 if k else 0)
        mask |= disc(x, 80 + 0.3 * radius * aside, radius, stretch)
        x += radius * stretch
    mask = cropped(mask)
    parts = split_touching(mask, min_area=1)
    if len(parts) == 1:
        return
    distance = rim_distance(np.pad(mask, 1))
    height = np.log(np.maximum(cv2.GaussianBlur(distance, (5, 5), 1.0), 0.5))
    markers = np.zeros(height.shape, np.int32)
    peaks = high_peaks(height[::2, ::2].copy(), -np.log(Cutting.neck)) & (distance[::2, ::2] > 0)
    markers[::2, ::2] = ndimage.label(peaks, np.ones((3, 3)))[0]
    plain = watershed(-height, markers, mask=distance > 0)[1:-1, 1:-1]
    assert len(parts) == plain.max()
    assert sum(np.bincount(plain[part.mask]).max() for part in parts) >= 0.97 * mask.sum()


def test_five_in_a_row_are_five():
    row = np.zeros(ROWS.shape, bool)
    for k in range(5):
        row |= disc(30 + 40 * k, 80 + 6 * (k % 2), 22)
    assert len(split_touching(cropped(row))) == 5


def test_a_clump_whose_shape_gives_no_place_to_part_is_flagged():
    crescent = disc(130, 80, 60) & ~disc(165, 80, 55)
    (part,) = split_touching(cropped(crescent))
    assert part.touching
    assert not part.parted


def test_no_part_is_smaller_than_a_particle_may_be():
    burr = disc(100, 80, 40) | disc(145, 80, 6)
    for part in split_touching(cropped(burr), min_area=200):
        assert part.mask.sum() >= 200


def test_a_triangle_is_convex_and_an_l_is_not():
    assert is_convex((COLUMNS < ROWS)[:100, :100])
    corner = np.zeros((60, 60), bool)
    corner[:, :20] = corner[40:] = True
    assert not is_convex(corner)


def test_distances_to_the_rim_are_exact():
    # to the bit, for OpenCV's own differ by 1e-6 from call to call and with them the line at which clumps are parted
    mask = np.pad(cropped(disc(90, 80, 60) | disc(170, 70, 45, 1.3)), 1)
    exact = np.sqrt(np.rint(ndimage.distance_transform_edt(mask) ** 2)).astype(np.float32)
    np.testing.assert_array_equal(rim_distance(mask), exact)


@pytest.mark.parametrize("seed", range(8))
def test_peaks_are_the_h_maxima(seed):
    rng = np.random.default_rng(seed)
    height = ndimage.gaussian_filter(rng.normal(size=(60, 80)), 3).astype(np.float32)
    least = float(rng.uniform(0.01, 0.2))
    found = high_peaks(height, least)
    assert 1 < ndimage.label(found, np.ones((3, 3)))[1] < 60
    np.testing.assert_array_equal(found, h_maxima(height, least).astype(bool))
