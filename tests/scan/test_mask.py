"""The three rules of what is covered, on scans with known answers."""

import cv2
import numpy as np
import pytest
from ellipses import AIR, scan_of

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.scan.segment.mask import BESIDE, MASKS, bare

NOISE = np.full(500, 0.008, np.float32)


def transmission(counts):
    return (counts / np.float32(AIR)).astype(np.float32)


@pytest.mark.parametrize("name", MASKS)
def test_an_ellipse_is_covered_and_the_belt_is_bare(name):
    cover = MASKS[name](transmission(scan_of([(250, 150, 60, 45)])), AIR, NOISE)
    y, x = np.mgrid[:300, :500]
    inside = ((x - 250) / 60) ** 2 + ((y - 150) / 45) ** 2
    assert cover.strong[inside < 0.85].all()
    assert cover.weak[inside > 1.25].mean() < 0.001
    assert (cover.strong <= cover.weak).all()
    assert not (bare(cover.weak) & cover.weak).any()
    assert bare(cover.weak)[inside > 2].mean() > 0.95


def test_the_rule_by_noise_keeps_rims_that_one_threshold_loses():
    thin = transmission(scan_of([(250, 150, 60, 45)], peak=0.15))
    weak, _ = MASKS["noise"](thin, AIR, NOISE)
    assert weak.sum() > 1.5 * MASKS["threshold"](thin, AIR, NOISE).weak.sum()
    noisy = MASKS["noise"](thin, AIR, 10 * NOISE).weak
    assert noisy.sum() < weak.sum()


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("bright", [1.2, 1.26, 2.5])
def test_what_is_brighter_than_full_scale_is_not_covered(name, bright):
    # 1.252 of air is full scale: beyond it, 16-bit counts would begin again at 0
    picture = np.full((40, 500), bright, np.float32)
    assert not MASKS[name](picture, AIR, NOISE).weak.any()


def test_every_word_has_a_rule():
    for name in MASKS:
        Cutting(mask=name)
    with pytest.raises(InputError, match="mask=ideal: unknown; known are noise, threshold, released"):
        Cutting(mask="ideal")


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_depends_on_nothing_farther_than_its_reach(name):
    rng = np.random.default_rng(0)
    grains = cv2.GaussianBlur(rng.standard_normal((120, 140)).astype(np.float32), (0, 0), 4)
    picture = np.clip(0.85 + 1.5 * grains, 0.1, 1).astype(np.float32)
    noise = np.full(140, 0.01, np.float32)
    margin = BESIDE[name]
    whole, box = MASKS[name](picture, 52_000.0, noise).weak, np.s_[40:80, 50:100]
    near = np.s_[40 - margin : 80 + margin, 50 - margin : 100 + margin]
    part = MASKS[name](picture[near], 52_000.0, noise[near[1]]).weak
    assert 0.1 < whole[box].mean() < 0.9
    np.testing.assert_array_equal(part[margin:-margin, margin:-margin], whole[box])
