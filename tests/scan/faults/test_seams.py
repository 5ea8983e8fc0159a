"""Regions labelled piece by piece are those of the whole mask, whatever meets at the seams."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oresort.files.dataset import Cutting
from oresort.scan.segment.regions import Regions


def found(weak, strong, sizes):
    """Return each region's pixels as a set, from lines that come in stretches of these sizes, the last again."""
    follow, regions, start, sizes = Regions(Cutting(min_area=1)), [], 0, iter(sizes)
    size = next(sizes)
    while start < len(weak):
        regions += follow.ended(weak[start : start + size], strong[start : start + size])
        start, size = start + size, next(sizes, size)
    regions += follow.ended(weak[:0], strong[:0], last=True)
    return [frozenset((r.y + y, r.x + x) for y, x in np.argwhere(r.mask).tolist()) for r in regions]


def wanted(weak, strong):
    """Return the same of one labelling of the whole mask."""
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    parts = (frozenset(map(tuple, np.argwhere(labels == k).tolist())) for k in range(1, count))
    return {part for part in parts if any(strong[pixel] for pixel in part)}


def check(weak, strong, sizes):
    regions = found(weak, strong, sizes)
    assert len(set(regions)) == len(regions)
    assert set(regions) == wanted(weak, strong)
    ends = [max(y for y, _ in region) for region in regions]
    assert ends == sorted(ends)


@pytest.mark.parametrize("slope", [-1, 1])
@pytest.mark.parametrize("seam", [1, 5, 63, 64, 65, 127, 128, 129])
def test_pixels_that_meet_by_a_corner_across_a_seam_are_one(seam, slope):
    weak = np.zeros((140, 40), np.uint8)
    weak[seam - 1, 20] = weak[seam, 20 + slope] = 1
    weak[seam - 1, 5] = weak[seam, 8] = 1  # and these are not
    for sizes in ([seam, 140], [1], [7], [64], [140]):
        regions = found(weak, weak, sizes)
        assert len(regions) == 3
        assert frozenset({(seam - 1, 20), (seam, 20 + slope)}) in regions


@pytest.mark.parametrize("sizes", [[1], [7], [64], [600]])
def test_a_staircase_a_fork_and_a_ring_are_each_one(sizes):
    weak = np.zeros((150, 400), np.uint8)
    lines = np.arange(150)
    weak[lines, 5 + lines] = 1  # corners only
    weak[lines[:100], 330 - lines[:100]] = weak[lines[:100], 331 + lines[:100] // 2] = 1  # joined at its top
    weak[lines[10:110], 200] = weak[lines[10:110], 215] = weak[9, 201:215] = weak[110, 201:215] = 1
    weak[50, 207] = 1  # within the ring
    check(weak, weak, sizes)
    assert len(found(weak, weak, sizes)) == 4


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from((0.1, 0.3, 0.4, 0.5, 0.6)),
    st.lists(st.integers(0, 80), max_size=9),
    st.sampled_from((1, 7, 64, 600)),
)
def test_random_masks_are_labelled_as_in_one_piece(seed, density, sizes, rest):
    rng = np.random.default_rng(seed)
    weak = (rng.random((150, 33)) < density).astype(np.uint8)
    strong = weak & (rng.random(weak.shape) < 0.2).astype(np.uint8)
    check(weak, strong, [*sizes, rest])
