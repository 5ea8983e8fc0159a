import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from oresort.files.dataset import Cutting
from oresort.scan.segment import regions as segment
from oresort.scan.segment.regions import Regions
from oresort.scan.segment.split import split_touching


def regions(weak, strong, cuts, longest=2_000, min_area=50):
    follow = Regions(Cutting(min_area=min_area), longest)
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
    follow = Regions(Cutting(min_area=1), 100)
    found = []
    for stop in range(20, 520, 20):
        found += follow.ended(weak[stop - 20 : stop], weak[stop - 20 : stop], last=stop == 500)
        assert stop - follow.top <= 120
    assert sum(int(region.mask.sum()) for region in found) == weak.sum()
    assert [region.y for region in found] == [0, 101, 202, 303, 404]
    assert all(region.clipped for region in found)


def test_an_empty_mask_has_no_regions():
    assert regions(np.zeros((9, 9), np.uint8), np.zeros((9, 9), np.uint8), [3]) == []


def follow_parting(weak, strong, block, options):
    """Return regions as a cutter follows them: what has ended of a clump is parted from it after every block."""
    follow, found = Regions(options), []
    for start in range(0, len(weak), block):
        found += follow.ended(weak[start : start + block], strong[start : start + block])
        found += follow.parted()
    return found + follow.ended(weak[:0], strong[:0], last=True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([5, 8, 16]))
def test_what_is_parted_early_and_what_goes_on_are_the_whole(seed, block):
    rng = np.random.default_rng(seed)
    weak = (ndimage.gaussian_filter(rng.standard_normal((400, 150)), 9) > 0.02).astype(np.uint8)
    found = follow_parting(weak, weak, block, Cutting(min_area=20))
    # no pixel is lost, and none is given out twice
    labels, count = ndimage.label(weak, structure=np.ones((3, 3)))
    kept = [k for k in range(1, count + 1) if (labels == k).sum() >= 20]
    np.testing.assert_array_equal(painted(weak.shape, found) > 0, np.isin(labels, kept))
    for region in found:
        assert region.mask[0].any()
        assert region.mask[-1].any()
        assert region.open[0] == (region.y == 0)
        assert region.open[1] == (region.x == 0)
        assert region.open[3] == (region.x + region.mask.shape[1] == 150)


def ellipse(shape, y, x, tall, wide):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return ((rows - y) / tall) ** 2 + ((columns - x) / wide) ** 2 < 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(16, 40), st.integers(16, 40), st.integers(-14, 14)), min_size=2, max_size=4),
    st.integers(0, 15),
)
@example([(36, 16, 0), (16, 16, 0)], 0)
@example([(32, 35, 12), (16, 36, 2), (18, 39, 11), (33, 35, -3)], 7)
def test_a_chain_comes_apart_as_it_would_once_it_has_ended(links, above):
    shape = 400, 160
    mask, y = np.zeros(shape, np.bool_), above
    for k, (tall, wide, aside) in enumerate(links):
        y += tall - (3 if k else 0)
        mask |= ellipse(shape, y, 80 + aside * (k > 0), tall, wide)
        y += tall
    weak = mask.astype(np.uint8)
    assume(ndimage.label(weak, structure=np.ones((3, 3)))[1] == 1)
    (whole,) = regions(weak, weak, [])
    parts = split_touching(whole.mask)
    found = follow_parting(weak, weak, 16, Cutting())
    if len(parts) == 1:
        assert len(found) == 1
        return
    # what went on may be parted still
    own = [(r, p.mask) for r in found for p in split_touching(r.mask)]
    # one in a thousand: a flat one is parted anew once what lay on its middle is parted from it; two never stay one
    assert len(parts) <= len(own) <= len(parts) + 1
    assert all(region.parted for region in found) or len(found) == 1
    picture = np.zeros(shape, np.int64)
    for number, (region, part) in enumerate(own, start=1):
        height, width = part.shape
        picture[region.y : region.y + height, region.x : region.x + width][part] = number
    here = picture[whole.y : whole.y + len(whole.mask), whole.x : whole.x + whole.mask.shape[1]]
    at = np.zeros_like(here)
    for number, part in enumerate(parts, start=1):
        at[part.mask] = number
    # of the smallest a seam two lines off takes a twelfth
    for number, (_, mask) in enumerate(own, start=1):
        assert np.bincount(at[here == number]).max() >= 0.9 * mask.sum()
    if len(own) == len(parts):
        for part in parts:
            assert np.bincount(here[part.mask]).max() >= 0.9 * part.mask.sum()


def test_a_particle_that_has_ended_does_not_wait_for_a_longer_one_beside_it():
    shape = 300, 200
    short, long = ellipse(shape, 40, 60, 30, 30), ellipse(shape, 130, 110, 120, 28)
    weak = (short | long).astype(np.uint8)
    assert ndimage.label(weak)[1] == 1
    follow, came = Regions(), []
    for stop in range(16, 304, 16):
        rows = weak[stop - 16 : stop]
        came += [(stop, region) for region in [*follow.ended(rows, rows), *follow.parted()]]
    (first, one), (last, other) = came
    assert (first, last) == (80, 256)  # the short one ends with line 69, the long one with line 249
    assert one.parted
    assert other.parted
    assert one.mask.sum() + other.mask.sum() == weak.sum()
    assert abs(int(one.mask.sum()) - int(short.sum())) < 0.05 * short.sum()


def test_nothing_is_parted_from_a_particle_that_is_one():
    weak = ellipse((300, 120), 140, 60, 130, 45).astype(np.uint8)
    (region,) = follow_parting(weak, weak, 16, Cutting())
    assert not region.parted


def test_a_crowd_is_looked_at_no_more_than_a_share_of_its_lines(monkeypatch: pytest.MonkeyPatch):
    shape = 600, 900
    weak = np.zeros(shape, np.bool_)
    for x in range(60, 850, 110):  # chains side by side, in each of which one after the other ends
        for k, y in enumerate(range(40, 600, 66)):
            weak |= ellipse(shape, y, x + 8 * (k % 2), 36, 36)
    looked: list[int] = []
    plain = segment.ended_parts

    def counted(mask, **options):
        looked.append(mask.size)
        return plain(mask, **options)

    monkeypatch.setattr(segment, "ended_parts", counted)
    found = follow_parting(weak.astype(np.uint8), weak.astype(np.uint8), 16, Cutting())
    assert sum(looked) < 250 * 600 + 3 * 16_000
    assert len(looked) > 5
    # what was not looked at waits for its clump, whole
    assert sum(len(split_touching(region.mask)) for region in found) >= 0.9 * 8 * 9
