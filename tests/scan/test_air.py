import numpy as np
import pytest
from ellipses import AIR, scan_of

from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.scan.calibrate.air import air_level, belt_columns


def crowded(coverage, seed=0):
    rng = np.random.default_rng(seed)
    ellipses, covered = [], 0.0
    while covered < coverage * 300 * 500:
        ellipses.append((rng.uniform(0, 500), rng.uniform(0, 300), 25, 20))
        covered += np.pi * 25 * 20
    return ellipses


@pytest.mark.parametrize("noise", [0.01, 0.026, 0.045])
@pytest.mark.parametrize("coverage", [0, 0.1, 0.3])
def test_air_level_is_within_a_fifth_of_a_percent(coverage, noise):
    counts = scan_of(crowded(coverage), noise=noise, beside=40)
    assert air_level(counts, "scan") == pytest.approx(AIR, rel=0.002)


def test_air_level_does_not_assume_the_papers():
    assert air_level((scan_of(crowded(0.1)) // 4).astype(np.uint16), "scan") == pytest.approx(AIR / 4, rel=0.002)


def test_belt_is_between_the_forced_columns():
    assert belt_columns(scan_of([], beside=40)) == slice(40, 460)
    assert belt_columns(scan_of([])) == slice(0, 500)


@pytest.mark.parametrize("count", [0, 300, 4_095, 16_383, 30_000, 52_350, 65_535])
@pytest.mark.parametrize("noise", [0.0, 0.026])
@pytest.mark.parametrize("sides", [(40, 40), (1, 90), (0, 60)])
def test_columns_forced_to_one_count_are_no_belt(count, noise, sides):
    counts = scan_of(crowded(0.1), noise=noise)
    left, right = sides
    counts[:, :left] = counts[:, 500 - right :] = count
    counts[20] = 0  # a lost line
    counts[30, 200:] = 65_535
    if noise or count != 52_350:  # air without noise is not told from sides at its count
        assert belt_columns(counts) == slice(left, 500 - right)
        assert air_level(counts, "scan") == pytest.approx(AIR, rel=0.002)


def test_a_saturated_column_inside_the_belt_stays():
    counts = scan_of([], beside=40)
    counts[:, 200] = 65_535
    assert belt_columns(counts) == slice(40, 460)


@pytest.mark.parametrize(
    ("counts", "complaint"),
    [
        (np.empty((0, 500), np.uint16), "empty"),
        (np.zeros((30, 50), np.uint16), "constant"),
        (np.full((30, 50), 30_000, np.uint16), "constant"),
        (np.full((30, 50), 65_535, np.uint16), "saturated everywhere"),
        (scan_of([]) // 100, "dark"),
        ((scan_of([(250, 150, 60, 60)]) * 1.25).clip(0, 65_535).astype(np.uint16), "saturated"),
        ((scan_of([]) // np.where(np.arange(500) < 200, 1, 3)).astype(np.uint16), "40% of the belt is brighter"),
        ((65_535 - scan_of(crowded(0.1))).astype(np.uint16), "invert the counts"),
        ((scan_of([(250, 150, 60, 60)]) / 12.5).clip(0, 4_095).astype(np.uint16), "saturated at 4095"),
        (np.random.default_rng(0).integers(5_000, 60_000, (300, 500), dtype=np.uint16), "no air level"),
    ],
)
def test_scans_without_air_are_refused_in_one_line(counts, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        air_level(counts, "scan_1_low.tiff")
    assert str(caught.value).startswith("scan_1_low.tiff: ")
    assert "\n" not in str(caught.value)


def test_the_real_scan(real_dir):
    for counts in read_pair(real_dir / "scan_38_low.tiff", real_dir / "scan_38_high.tiff"):
        assert belt_columns(counts) == slice(181, 2810)
        assert air_level(counts, "scan 38") == pytest.approx(52_350, rel=0.002)
