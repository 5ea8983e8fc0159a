from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oresort.scan.segment.regions import RegionTracker


def regions(weak, strong, cuts, **options):
    tracker = RegionTracker(weak.shape[1], **options)
    edges = [0, *sorted(cuts), len(weak)]
    found = []
    for start, stop in pairwise(edges):
        found += tracker.push(
            weak[start:stop], strong[start:stop], last=stop == len(weak) and start == edges[-2]
        )
    return found


def painted(shape, found):
    picture = np.zeros(shape, int)
    for number, region in enumerate(sorted(found, key=lambda r: (r.y, r.x, r.mask.shape)), start=1):
        height, width = region.mask.shape
        window = picture[region.y : region.y + height, region.x : region.x + width]
        assert not window[region.mask].any(), "two regions share a pixel"
        window[region.mask] = number
    return picture


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 60), max_size=12), st.integers(1, 5))
def test_regions_do_not_depend_on_how_the_lines_were_handed_in(seed, cuts, min_area):
    rng = np.random.default_rng(seed)
    weak = (ndimage.gaussian_filter(rng.standard_normal((60, 40)), 1.5) > 0.05).astype(np.uint8)
    strong = weak & (rng.random(weak.shape) < 0.05).astype(np.uint8)
    found = regions(weak, strong, cuts, min_area=min_area)
    labels, count = ndimage.label(weak, structure=np.ones((3, 3)))
    kept = [
        k for k in range(1, count + 1) if (labels == k).sum() >= min_area and (strong & (labels == k)).any()
    ]
    picture = painted(weak.shape, found)
    assert len(found) == len(kept)
    np.testing.assert_array_equal(picture > 0, np.isin(labels, kept))
    for region in found:
        height, width = region.mask.shape
        border = region.y == 0 or region.x == 0 or region.y + height == 60 or region.x + width == 40
        assert region.clipped == border


def test_a_region_without_end_is_cut_so_that_memory_is_bounded():
    weak = np.zeros((500, 20), np.uint8)
    weak[:, 5:10] = 1
    tracker = RegionTracker(20, min_area=1, longest=100)
    found = []
    for start in range(0, 500, 20):
        found += tracker.push(weak[start : start + 20], weak[start : start + 20], last=start == 480)
        assert len(tracker._weak) <= 120
    assert sum(int(region.mask.sum()) for region in found) == weak.sum()
    assert len(found) > 1
    assert all(region.clipped for region in found)


def test_an_empty_mask_has_no_regions():
    assert regions(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8), [3]) == []
