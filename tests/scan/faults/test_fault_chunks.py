"""A faulty scan gives the same, to the bit, however its lines come."""

import numpy as np
import pytest
from breaking import Patch, dip, doubled, slanted, together
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judge import run
from sound import BELT, SIZE, layers

from oresort.files.dataset import RELEASED, SIMULATED, Cutting
from oresort.scan.cut.cutter import Cutter

HEIGHT = SIZE["height"]
BROKEN = {
    "columns": together(Patch("zero", "both", None, slice(296, 300)), Patch("frozen", "low", None, slice(500, 564))),
    "dies": together(
        Patch("zero", "high", slice(150, HEIGHT), slice(150, 214)),
        Patch("x0.7", "low", slice(90, HEIGHT), slice(400, 464)),
    ),
    "lines": together(
        Patch("zero", "both", slice(63, 65)),
        Patch("full", "both", slice(128, 129)),
        Patch("frozen", "both", slice(255, 258)),
        Patch("noise", "both", slice(310, 322)),
    ),
    "packets": together(
        Patch("zero", "low", slice(59, 63), slice(40, 296)),
        Patch("full", "high", slice(131, 133), slice(200, 456)),
        Patch("frozen", "both", slice(191, 199), slice(500, 756)),
    ),
    "level": together(dip(0.7, slice(120, 160)), slanted(0.9, 230, 40, 30), doubled(320, 20)),
}


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """Each broken scan's counts, and what comes of it when it is pushed at once."""
    folder = tmp_path_factory.mktemp("chunks")
    low, high = layers()
    calibration = run(folder, low, high).calibration
    found = {}
    for name, breaker in BROKEN.items():
        counts = breaker(low, high, BELT, np.random.default_rng(1))
        found[name] = *counts, calibration, pushed(counts, calibration, [HEIGHT])
    return found


def pushed(counts, calibration, sizes, options=Cutting()):  # noqa: B008  # immutable
    """Return cuts and faults of lines that come in stretches of these sizes, the last size again and again."""
    cutter, cuts, start, sizes = Cutter(calibration, options), [], 0, iter(sizes)
    size = next(sizes)
    while start < HEIGHT:
        cuts += cutter.push(*(layer[start : start + size] for layer in counts))
        start, size = start + size, next(sizes, size)
    return cuts + cutter.finish(), cutter.faults, cutter.lines_lost, cutter.lines


def same(one, other):
    assert one[1:] == other[1:]
    assert len(one[0]) == len(other[0])
    for mine, theirs in zip(one[0], other[0], strict=True):
        for field, value in vars(mine.particle).items():
            np.testing.assert_array_equal(value, getattr(theirs.particle, field))
        for value, again in zip(mine[1:], theirs[1:], strict=True):
            np.testing.assert_array_equal(value, again)


@pytest.mark.parametrize("name", BROKEN)
def test_a_faulty_scan_has_something_to_tell(scans, name):
    cuts, faults, lost, lines = scans[name][3]
    assert lines == HEIGHT
    assert len(cuts) >= 5
    assert faults
    assert (lost > 0) == (name in ("lines", "level"))


@pytest.mark.parametrize("lines", [1, 7, 64, 600])
@pytest.mark.parametrize("name", BROKEN)
def test_particles_and_faults_are_the_same_for_every_number_of_lines(scans, name, lines):
    low, high, calibration, at_once = scans[name]
    same(pushed((low, high), calibration, [lines]), at_once)


@pytest.mark.parametrize("options", [SIMULATED, RELEASED, Cutting(background="air")])
@pytest.mark.parametrize("name", ["dies", "lines"])
def test_they_are_so_however_they_are_cut(scans, name, options):
    low, high, calibration, _ = scans[name]
    same(pushed((low, high), calibration, [13], options), pushed((low, high), calibration, [HEIGHT], options))


@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(list(BROKEN)), st.lists(st.integers(0, 90), min_size=1, max_size=9).map(lambda s: [*s, 40]))
def test_they_are_so_for_random_stretches(scans, name, sizes):
    low, high, calibration, at_once = scans[name]
    same(pushed((low, high), calibration, sizes), at_once)
