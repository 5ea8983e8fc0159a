import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oresort.scan.segment.regions import Regions


def regions(weak, strong, cuts, longest=2_000, min_area=50):
    follow = Regions(min_area, longest)
    found, start = [], 0
    for stop in [*sorted(cuts), len(weak)]:
        found += follow.ended(weak[start:stop], strong[start:stop])
        start = stop
    return found + follow.ended(weak[start:], strong[start:], last=True)


def same(one, other):
    assert [(r.y, r.x, r.open) for r in one] == [(r.y, r.x, r.open) for r in other]
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.mask, theirs.mask)


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
    kept = [k for k in range(1, count + 1) if (labels == k).sum() >= min_area and (strong & (labels == k)).any()]
    picture = painted(weak.shape, found)
    assert len(found) == len(kept)
    np.testing.assert_array_equal(picture > 0, np.isin(labels, kept))
    for region in found:
        height, width = region.mask.shape
        border = region.y == 0 or region.x == 0 or region.y + height == 60 or region.x + width == 40
        assert region.clipped == border


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 120), max_size=12), st.integers(4, 30))
def test_long_regions_are_cut_at_the_same_lines_however_many_came_at_a_time(seed, cuts, longest):
    rng = np.random.default_rng(seed)
    weak = (ndimage.gaussian_filter(rng.standard_normal((120, 30)), (4, 1)) > 0).astype(np.uint8)
    strong = weak & (rng.random(weak.shape) < 0.2).astype(np.uint8)
    by_line = regions(weak, strong, range(120), longest, min_area=3)
    same(regions(weak, strong, cuts, longest, min_area=3), by_line)
    assert max((len(region.mask) for region in by_line), default=0) <= longest + 1


def test_a_region_without_end_is_cut_so_that_memory_is_bounded():
    weak = np.zeros((500, 20), np.uint8)
    weak[:, 5:10] = 1
    follow = Regions(min_area=1, longest=100)
    found = []
    for stop in range(20, 520, 20):
        found += follow.ended(weak[stop - 20 : stop], weak[stop - 20 : stop], last=stop == 500)
        assert stop - follow.top <= 120
    assert sum(int(region.mask.sum()) for region in found) == weak.sum()
    assert [region.y for region in found] == [0, 101, 202, 303, 404]
    assert all(region.clipped for region in found)


def test_an_empty_mask_has_no_regions():
    assert regions(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8), [3]) == []
