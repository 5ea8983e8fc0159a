"""Faulty columns: kinds x widths x places, from a scan that is not flat and as noisy at its right end as scan 38."""

import numpy as np
import pytest
from ellipses import AIR, scan_of
from hypothesis import given, settings
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.scan.calibrate.air import find_belt
from oresort.scan.calibrate.columns import measure_columns
from oresort.scan.calibrate.faults import KINDS

WIDTH, HEIGHT, SIDE = 1200, 320, 40
BELT = slice(SIDE, WIDTH - SIDE)


def _scan(gain=1.0, lateral=2.5, coverage=0.1, seed=0, height=HEIGHT):
    rng = np.random.default_rng(seed)
    ellipses = [
        (rng.uniform(SIDE, WIDTH - SIDE), rng.uniform(0, height), 25, 20)
        for _ in range(int(coverage * height * WIDTH / (np.pi * 25 * 20)))
    ]
    counts = scan_of(ellipses, height=height, width=WIDTH, noise=0.0, seed=seed).astype(float)
    noise = 0.02 * np.linspace(1, lateral, WIDTH) * rng.standard_normal(counts.shape)
    lines = 1 + 0.006 * rng.standard_normal(height)  # what each line has in common
    counts = (counts + noise * np.sqrt(AIR * counts)) * gain * lines[:, None]
    counts = np.rint(counts).clip(0, 65_534).astype(np.uint16)
    counts[:, :SIDE] = counts[:, -SIDE:] = 65_535
    return counts


@pytest.fixture(scope="module")
def clean():
    return _scan()


@pytest.fixture(scope="module")
def whole(clean):
    """Columns of the clean scan."""
    return measure_columns(clean, BELT, "scan")


def spoil(counts, kind, columns, seed=1):
    """Return a scan with some columns faulty, and the words by which that may be called."""
    rng = np.random.default_rng(seed)
    spoiled, height = counts.copy(), len(counts)
    part = spoiled[:, columns]
    size = part.shape
    half = slice(height // 2, height)
    match kind:
        case "zero":
            part[:] = 0
        case "floor":
            part[:] = rng.integers(60, 91, size)
        case "noisy floor":
            part[:] = rng.normal(900, 120, size)
        case "full":
            part[:] = 65_535
        case "air":
            part[:] = 52_350
        case "constants":
            part[:] = rng.integers(20_000, 60_000, size[1])
        case "dithered":
            part[:] = rng.integers(40_000, 40_003, size)
        case "frozen":
            part[:] = part[7]
        case "flicker":
            part[:] = rng.integers(10_000, 60_000, size)
        case "goes":
            part[rng.random(size) < 0.2] = 0
        case "dies":
            part[half] = 0
        case "sticks":
            part[half] = part[height // 2]
        case "recovers":
            part[: height // 3] = rng.integers(60, 91, part[: height // 3].shape)
        case "weakens":
            part[half] = part[half] * 0.7
    return spoiled


NAMES = {
    "zero": "dark", "floor": "dark", "noisy floor": "dark", "full": "stuck", "air": "stuck", "constants": "stuck",
    "dithered": "stuck", "frozen": "stuck", "flicker": "noisy", "goes": "noisy", "dies": "dark",
    "sticks": "stuck", "recovers": "dark", "weakens": "unsteady",
}  # fmt: skip


SURE = [kind for kind in NAMES if kind != "weakens"]


@pytest.mark.parametrize(
    ("width", "place"),
    [
        (1, "left"), (1, "amid"), (2, "right"), (15, "amid"), (16, "left"),
        (17, "right"), (32, "amid"), (128, "left"), (128, "right"), (512, "amid"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", NAMES)
def test_faulty_columns_are_found_and_no_others(clean, whole, kind, width, place):
    start = {"left": SIDE, "amid": 333, "right": WIDTH - SIDE - width}[place]
    columns = slice(start, start + width)
    spoiled = spoil(clean, kind, columns)
    assert find_belt(clean, spoiled) == BELT
    found = measure_columns(spoiled, BELT, "scan")
    true = np.zeros(WIDTH, bool)
    true[columns] = True
    if kind == "weakens":  # where particles hide it, it may not be seen
        assert np.mean(found.dead[columns]) > 0.75
        true &= found.dead
    np.testing.assert_array_equal(np.flatnonzero(found.dead), np.flatnonzero(true))
    words = {KINDS[code] for code in found.fault[columns]}
    assert NAMES[kind] in words
    assert found.level == pytest.approx(whole.level, rel=0.002)
    for name in ("air", "noise"):
        mine, theirs = (getattr(columns, name)[BELT] for columns in (found, whole))
        assert np.isfinite(mine).all()
        # a wide module's noise is known from its two ends only, and at the belt's end from one
        assert np.abs(mine / theirs - 1).max() < (0.01 if name == "air" else 0.25 if width <= 128 else 1)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(SURE), st.integers(SIDE, WIDTH - SIDE - 1), st.integers(1, 160)),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_several_faults_at_once_are_all_found(faults):
    counts = _scan()
    spoiled = counts.copy()
    true = np.zeros(WIDTH, bool)
    for number, (kind, start, width) in enumerate(faults):
        columns = slice(start, min(start + width, BELT.stop))
        spoiled[:, columns] = spoil(counts, kind, columns, number)[:, columns]
        true[columns] = True
    dead = measure_columns(spoiled, BELT, "scan").dead
    np.testing.assert_array_equal(np.flatnonzero(dead), np.flatnonzero(true))


@pytest.mark.parametrize("coverage", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("profile", ["flat", "raw", "steep", "module", "modules", "noise"])
def test_a_detector_that_is_merely_uneven_has_no_dead_columns(profile, coverage):
    gain = np.ones(WIDTH)
    if profile == "raw":
        gain = np.linspace(1.2, 0.75, WIDTH)
    if profile == "steep":
        gain = 0.75 + 0.45 * np.sin(np.linspace(0, np.pi, WIDTH))
    if profile == "module":
        gain[300:428] = 0.7
    if profile == "modules":
        gain = np.repeat(np.random.default_rng(0).uniform(0.7, 1.2, 11), 128)[128 - SIDE :][:WIDTH]
    lateral = 4.0 if profile == "noise" else 1.95
    found = measure_columns(_scan(gain, lateral, coverage, seed=3), BELT, "scan")
    assert not found.dead.any()
    np.testing.assert_allclose(found.air[BELT] / (AIR * gain[BELT]), 1, atol=0.015)


@pytest.mark.parametrize("noise", [0.0, 1e-5])
def test_images_without_noise_are_not_stuck(noise):
    counts = scan_of([(100, 100, 30, 25), (300, 200, 40, 30)], noise=noise)
    found = measure_columns(counts, slice(0, 500), "scan")
    assert not found.dead.any()
    assert found.level == pytest.approx(AIR, rel=0.001)


@pytest.mark.parametrize("height", [40, 320])
def test_columns_that_a_particle_covers_all_along_are_not_dead(height):
    counts = scan_of([(250, height / 2, 45, height * 0.8)], height=height, peak=1.2)
    found = measure_columns(counts, slice(0, 500), "scan")
    assert not found.dead.any()
    np.testing.assert_allclose(found.air / AIR, 1, atol=0.02)


@pytest.mark.parametrize("kind", ["zero", "floor", "air", "full", "frozen"])
def test_a_layer_that_is_half_dead_is_refused_with_its_columns(clean, kind):
    spoiled = spoil(clean, kind, slice(100, 800))
    with pytest.raises(InputError, match=rf"scan: more than half .*{NAMES[kind]} columns .*799"):
        measure_columns(spoiled, BELT, "scan")


def test_a_layer_that_repeats_one_line_is_refused(clean):
    with pytest.raises(InputError, match="every line is the same"):
        measure_columns(np.repeat(clean[:1], HEIGHT, axis=0), BELT, "scan")


@pytest.mark.parametrize("kind", ["zero", "full", "repeated", "packet", "bright packet", "trip", "flash", "sides too"])
def test_some_lost_lines_change_nothing(clean, whole, kind):
    spoiled = clean.copy()
    lines = [50, 51, 170, 301]
    match kind:
        case "zero":
            spoiled[lines, SIDE:-SIDE] = 0
        case "sides too":
            spoiled[lines] = 0
        case "full":
            spoiled[lines] = 65_535
        case "repeated":
            spoiled[60:75] = spoiled[59]
        case "packet":
            spoiled[lines, 300:556] = 0
        case "bright packet":
            spoiled[50:70, 300:556] = 65_535
        case "trip":
            spoiled[100:120, SIDE:-SIDE] //= 40
        case "flash":
            spoiled[100:110, SIDE:-SIDE] = (spoiled[100:110, SIDE:-SIDE] * 1.24).clip(0, 65_534)
    assert find_belt(clean, spoiled) == BELT
    found = measure_columns(spoiled, BELT, "scan")
    assert not found.dead.any()
    assert found.level == pytest.approx(whole.level, rel=0.001)
    assert np.abs(found.air[BELT] / whole.air[BELT] - 1).max() < 0.004
    assert np.abs(found.noise[BELT] / whole.noise[BELT] - 1).max() < 0.1


@pytest.mark.parametrize("kind", ["splice", "dip", "drift", "surge"])
def test_what_the_tube_does_is_no_columns_doing(clean, whole, kind):
    lines = np.arange(HEIGHT)[:, None]
    level = {
        "splice": np.where(lines > 170, 0.75, 1),
        "dip": np.where((lines > 100) & (lines < 160), 0.8, 1),
        "drift": 1 - 0.2 * lines / HEIGHT,
        "surge": np.where(lines > 100, 1.15, 1),
    }[kind]
    spoiled = clean.copy()
    spoiled[:, BELT] = np.rint(clean[:, BELT] * level).clip(0, 65_534)
    found = measure_columns(spoiled, BELT, "scan")
    assert not found.dead.any()
    assert found.level == pytest.approx(whole.level * np.median(level), rel=0.02)
    np.testing.assert_allclose(found.air[BELT] / found.level, whole.air[BELT] / whole.level, rtol=0.015)
    np.testing.assert_allclose(found.noise[BELT], whole.noise[BELT], rtol=0.35)


def test_a_lump_of_metal_is_no_dead_module():
    counts = scan_of([(400, 300, 45, 40)], height=600, width=800)
    lump = (np.arange(600)[:, None] - 300) ** 2 + (np.arange(800) - 400) ** 2 < 60**2
    counts[lump] = 20
    assert not measure_columns(counts, slice(0, 800), "scan").dead.any()


def test_mostly_lost_lines_are_refused(clean):
    spoiled = clean.copy()
    spoiled[::3, SIDE:-SIDE] = 0
    spoiled[1::3] = spoiled[::3]
    with pytest.raises(InputError, match=r"scan: .*(lost|dark)"):
        measure_columns(spoiled, BELT, "scan")


@pytest.mark.parametrize("count", [1, 30])
def test_a_scan_on_which_dense_matter_is_bright_is_refused(count):
    rng = np.random.default_rng(0)
    ellipses = [(rng.uniform(0, 1200), rng.uniform(0, 320), 14, 12) for _ in range(count)]
    counts = 65_535 - scan_of(ellipses, height=320, width=1200)
    with pytest.raises(InputError, match=r"brighter.* invert the counts"):
        measure_columns(counts.astype(np.uint16), slice(0, 1200), "scan")


@pytest.mark.parametrize("kind", ["zero", "floor", "frozen", "flicker", "dies"])
@pytest.mark.parametrize(("start", "width"), [(181, 128), (1500, 1), (2298, 512)])
def test_on_the_real_scan_too(real_dir, kind, start, width):
    low, _ = read_pair(real_dir / "scan_38_low.tiff", real_dir / "scan_38_high.tiff")
    columns = slice(start, start + width)
    found = measure_columns(spoil(low, kind, columns), slice(181, 2810), "low")
    assert np.flatnonzero(found.dead).tolist() == list(range(start, start + width))
    assert found.level == pytest.approx(52_393, rel=0.002)
