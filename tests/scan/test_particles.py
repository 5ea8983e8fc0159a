import numpy as np
import pytest
from ellipses import AIR, box_of, iou, scan_of

from oresort.files.image import read_pair
from oresort.scan.calibrate.air import air_level
from oresort.scan.segment.particle import Particle, find_particles


def box(particle):
    return particle.x, particle.y, particle.w, particle.h


def test_known_ellipses_are_found_in_reading_order():
    truth = [(330, 60, 40, 30), (100, 61, 25, 35), (250, 160, 30, 20), (90, 240, 45, 25)]
    particles = find_particles(scan_of(truth, beside=40), AIR)
    # the second ellipse reaches higher up than the first
    for particle, ellipse in zip(particles, [truth[1], truth[0], truth[2], truth[3]], strict=True):
        assert iou(box(particle), box_of(ellipse)) >= 0.9
        assert not particle.clipped
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
    assert particle.clipped


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
    assert [particle.clipped for particle in particles] == [True, False, False, False, True]
    for truth in released_boxes(real_dir).values():
        assert max(iou(box(particle), truth) for particle in particles) >= 0.9


def test_particles_are_equal_by_place():
    mask = np.ones((2, 3), np.bool_)
    assert Particle(1, 2, 3, 2, False, mask) == Particle(1, 2, 3, 2, False, ~mask)
