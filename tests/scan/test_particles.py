import numpy as np
import pytest
from ellipses import AIR, box_of, iou, scan_of

from oresort.scan.air import air_level
from oresort.scan.crops import extract
from oresort.scan.image import read_image, read_pair
from oresort.scan.particles import Particle, find_particles
from oresort.scan.released import released_foreground


def box(particle):
    return particle.x, particle.y, particle.w, particle.h


def test_known_ellipses_are_found_in_reading_order():
    truth = [(330, 60, 40, 30), (100, 61, 25, 35), (250, 160, 30, 20), (90, 240, 45, 25)]
    particles = find_particles(scan_of(truth, beside=40), AIR)
    # the second ellipse reaches higher up than the first
    for particle, ellipse in zip(particles, [truth[1], truth[0], truth[2], truth[3]], strict=True):
        assert iou(box(particle), box_of(ellipse)) >= 0.9
        assert not particle.cut
        assert particle.mask.shape == (particle.h, particle.w)
        assert particle.mask.sum() == pytest.approx(np.pi * ellipse[2] * ellipse[3], rel=0.05)


def test_an_empty_belt_has_no_particles():
    assert find_particles(scan_of([], noise=0.045), AIR) == []


def test_specks_are_dropped():
    counts = scan_of([(100, 100, 3, 3), (200, 100, 10, 10)])
    assert len(find_particles(counts, AIR)) == 1
    assert len(find_particles(counts, AIR, min_area=5)) == 2


@pytest.mark.parametrize("centre", [(100, 0), (100, 299), (0, 100), (499, 100), (40, 100), (459, 100)])
def test_particles_over_a_border_are_flagged(centre):
    beside = 40 if centre[0] in (40, 459) else 0
    (particle,) = find_particles(scan_of([(*centre, 25, 20)], beside=beside), AIR)
    assert particle.cut


def test_crops_hold_counts_inside_the_masks_and_zero_outside():
    low, high = scan_of([(100, 100, 25, 20)]), scan_of([(103, 100, 25, 20)], peak=0.9, seed=1)
    (particle,) = find_particles(low, AIR)
    for layer, crop in zip((low, high), extract(low, high, particle, AIR), strict=True):
        assert crop.dtype == np.uint16
        assert crop.shape == (particle.h, particle.w)
        np.testing.assert_array_equal(crop[crop > 0], layer[particle.box][crop > 0])
        assert 0.6 < (crop > 0).mean() < 0.85  # an ellipse fills pi / 4 of its box


def test_a_neighbour_in_the_box_becomes_background():
    # the small one lies in the empty corner of the large one's box
    ellipses = [(120, 120, 60, 50), (173, 77, 8, 7)]
    low, high = scan_of(ellipses), scan_of(ellipses, peak=0.9, seed=1)
    large = max(find_particles(low, AIR), key=lambda particle: particle.w)
    x, y = 173 - large.x, 77 - large.y
    for layer, crop in zip((low, high), extract(low, high, large, AIR), strict=True):
        assert layer[77, 173] < 0.7 * AIR
        assert crop[y, x] == 0
        assert crop[large.h // 2, large.w // 2] > 0


def test_a_particle_that_high_energy_does_not_show_keeps_its_pixels():
    low, high = scan_of([(100, 100, 25, 20)], peak=0.3), scan_of([])
    (particle,) = find_particles(low, AIR)
    np.testing.assert_array_equal(extract(low, high, particle, AIR)[1] > 0, particle.mask)


@pytest.fixture(scope="module")
def real(real_dir):
    low, high = read_pair(real_dir / "scan_38_low.tiff", real_dir / "scan_38_high.tiff")
    return low, high, air_level(low, "low"), air_level(high, "high")


def released_boxes(real_dir):
    folders = [folder for folder in real_dir.glob("pairs/*/*") if folder.name.startswith("38-")]
    return {folder: tuple(int(part[1:]) for part in folder.name.split("-")[1:]) for folder in folders}


def test_the_real_scan_holds_three_whole_particles_and_two_cut(real, real_dir):
    low, _, air, _ = real
    particles = find_particles(low, air)
    assert [particle.cut for particle in particles] == [True, False, False, False, True]
    for truth in released_boxes(real_dir).values():
        assert max(iou(box(particle), truth) for particle in particles) >= 0.9


def test_the_released_crops_are_reproduced_to_the_pixel(real, real_dir):
    low, high, air_low, air_high = real
    found = {box(p): p for p in find_particles(low, air_low, rule=released_foreground)}
    boxes = released_boxes(real_dir)
    assert len(boxes) == 2
    for folder, released in boxes.items():
        crops = extract(low, high, found[released], air_high, rule=released_foreground)
        for name, crop in zip(("low", "high"), crops, strict=True):
            np.testing.assert_array_equal(crop, read_image(folder / f"{name}.tiff"))


def test_particles_are_equal_by_place():
    mask = np.ones((2, 3), np.bool_)
    assert Particle(1, 2, 3, 2, False, mask) == Particle(1, 2, 3, 2, False, ~mask)
