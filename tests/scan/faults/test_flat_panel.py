"""Pairs as of a flat panel: air at full scale, dead pixels, a dead row segment across a large object."""

from functools import lru_cache

import numpy as np
import pytest
from breaking import Belt, Patch
from judge import box_of, run
from scan.ellipses import AIR, iou, scan_of
from scan.ellipses import box_of as true_box

from oresort.files.dataset import Cutting

LARGE = [(220, 160, 130, 105), (50, 50, 25, 22), (370, 270, 32, 26)]
PANEL = Belt(0, 420, round(AIR))


@lru_cache
def panel():
    """Return both layers of a panel of 320 x 420 pixels: an object that covers a third of it, and two small ones."""
    size = {"height": 320, "width": 420, "noise": 0.012}
    return scan_of(LARGE, **size), scan_of(LARGE, peak=0.9, seed=9, **size)


def found(folder, low, high, **options):
    return run(folder, low, high, options=Cutting(**options))


def boxes(result):
    assert not result.refused
    return sorted((box_of(cut) for cut in result.cuts), key=lambda box: -box[2])


@pytest.mark.parametrize("full", [65_535, 16_383])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
def test_saturated_air_is_refused_with_what_to_do(tmp_path, full, share):
    # exposed so high that this share of bare pixels would read more than full scale
    level = full * (1 + 0.012 * float({1.0: 6, 0.5: 0, 0.1: -1.3}[share]))
    low, high = (np.minimum(np.rint(counts * (level / AIR)), full).astype(np.uint16) for counts in panel())
    result = found(tmp_path, low, high)
    assert "saturated" in result.refused
    assert "exposure" in result.refused


@pytest.mark.parametrize("value", [0, 16_383, 65_535])
def test_single_dead_pixels_part_nothing_and_make_nothing(tmp_path, value):
    rng = np.random.default_rng(3)
    low, high = (counts.copy() for counts in panel())
    for counts in (low, high):
        counts[rng.random(counts.shape) < 0.0005] = value
    for box, ellipse in zip(boxes(found(tmp_path, low, high)), (LARGE[0], LARGE[2], LARGE[1]), strict=True):
        assert iou(box, true_box(ellipse)) > 0.9


SEGMENTS = [
    pytest.param(kind, lines, layer)
    for k, kind in enumerate(("zero", "full", "frozen", "air"))
    for lines in (1, 2, 3, 4)
    for layer in [("low", "high", "both")[(k + lines) % 3]]
]


@pytest.mark.parametrize(("kind", "lines", "layer"), SEGMENTS)
def test_a_dead_row_segment_over_a_large_object_does_not_break_it(tmp_path, kind, lines, layer):
    low, high = Patch(kind, layer, slice(160, 160 + lines), slice(80, 360))(*panel(), PANEL, np.random.default_rng(0))
    result = found(tmp_path, low, high)
    (large, *small) = boxes(result)
    assert len(small) == 2
    assert iou(large, true_box(LARGE[0])) > 0.95
    (cut,) = (cut for cut in result.cuts if cut.particle.w == large[2])
    assert cut.particle.mended or cut.particle.faulty
    assert any(fault.lines and fault.lines.start <= 160 < fault.lines.stop for fault in result.faults)


def test_a_dead_column_segment_over_a_large_object_does_not_break_it_either(tmp_path):
    patch = Patch("zero", "both", slice(70, 260), slice(220, 223))
    result = found(tmp_path, *patch(*panel(), PANEL, np.random.default_rng(0)))
    (large, *small) = boxes(result)
    assert len(small) == 2
    assert iou(large, true_box(LARGE[0])) > 0.95
