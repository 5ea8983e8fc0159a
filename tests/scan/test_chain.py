import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from ellipses import AIR, box_of, iou, scan_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.image import read_image
from oresort.files.lines import PairReader
from oresort.scan.calibrate.calibration import load_calibration, save_calibration
from oresort.scan.calibrate.measure import calibrate_scan, measure_scan
from oresort.scan.cut.cutter import BLOCK, Cutter, cut_scan
from oresort.xray.transmission import attenuation

SCALE, OFFSET, ROWS = 1.0075, -4.9, 0.27
ELLIPSES = [
    (130, 60, 30, 22), (420, 190, 35, 25), (700, 80, 25, 30), (960, 170, 40, 22), (1250, 100, 28, 28),
    (1008, 176, 14, 26), (300, 258, 30, 20), (600, 0, 20, 25),
]  # fmt: skip
AS_RELEASED = Cutting(crops="released", correct=False, mask="released", split=False)


def write(folder, low, high):
    paths = []
    for name, counts in (("low", low), ("high", high)):
        path = folder / f"a_{name}.tiff"
        tifffile.imwrite(path, counts, compression="lzw", predictor=True, rowsperstrip=1)
        paths.append(path)
    return paths


def place(cut):
    return cut.particle.y, cut.particle.x


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    size = {"height": 270, "width": 1400, "beside": 60}
    low = scan_of(ELLIPSES, **size)
    seen = [(SCALE * x + OFFSET, y + ROWS, SCALE * a, b) for x, y, a, b in ELLIPSES]
    high = scan_of(seen, peak=0.9, seed=1, **size)
    with PairReader(*write(tmp_path_factory.mktemp("scan"), low, high)) as reader:
        yield reader, calibrate_scan(reader)


def test_every_particle_is_found_once_with_its_flags(scan):
    cuts = list(cut_scan(*scan))
    assert len(cuts) == len(ELLIPSES)
    for ellipse in ELLIPSES:
        particle = max((c.particle for c in cuts), key=lambda p: iou((p.x, p.y, p.w, p.h), box_of(ellipse)))
        assert particle.clipped == (ellipse[1] in (0, 258))
        assert particle.parted == (ellipse in (ELLIPSES[3], ELLIPSES[5]))
        assert not particle.touching
        if not particle.clipped:
            assert iou((particle.x, particle.y, particle.w, particle.h), box_of(ellipse)) > 0.85


def pushed(scan, options, sizes):
    """Return what a Cutter gives for stretches of these many lines, the last size again and again."""
    reader, calibration = scan
    cutter, cuts, start = Cutter(calibration, options), [], 0
    sizes = iter(sizes)
    size = next(sizes)
    while start < reader.height:
        stop = min(start + size, reader.height)
        cuts += cutter.push(reader.low.read(start, stop), reader.high.read(start, stop))
        start, size = stop, next(sizes, size)
    return cuts + cutter.finish()


def same(one, other):
    assert [c.particle for c in one] == [c.particle for c in other]
    for mine, theirs in zip(one, other, strict=True):
        assert mine.mass_proxy == theirs.mass_proxy
        for attribute in ("clipped", "touching", "parted"):
            assert getattr(mine.particle, attribute) == getattr(theirs.particle, attribute)
        np.testing.assert_array_equal(mine.particle.mask, theirs.particle.mask)
        np.testing.assert_array_equal(mine.low, theirs.low)
        np.testing.assert_array_equal(mine.high, theirs.high)


OPTIONS = [Cutting(), AS_RELEASED, Cutting(background="air"), Cutting(crops="released", mask="threshold")]


@pytest.fixture(scope="module")
def at_once(scan):
    """What each of `OPTIONS` gives when the whole scan comes as one stretch."""
    return {options: pushed(scan, options, [600]) for options in OPTIONS}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("lines", [1, 7, 64])
def test_particles_are_the_same_to_the_bit_for_every_number_of_lines(scan, at_once, options, lines):
    assert len(at_once[options]) in (7, 8)
    same(pushed(scan, options, [lines]), at_once[options])
    same(list(cut_scan(*scan, options, lines=lines)), at_once[options])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 90), min_size=1, max_size=9).map(lambda sizes: [*sizes, 40]))
def test_particles_are_the_same_to_the_bit_for_random_stretches(scan, at_once, sizes):
    for options in OPTIONS[:2]:
        same(pushed(scan, options, sizes), at_once[options])


@pytest.mark.parametrize(("options", "lookahead"), [*zip(OPTIONS, (31, 37, 31, 31), strict=True)])
def test_a_particle_comes_out_as_soon_as_it_is_whole(scan, options, lookahead):
    reader, calibration = scan
    cutter = Cutter(calibration, options)
    assert cutter.lookahead == lookahead
    for line in range(reader.height):
        for cut in cutter.push(reader.low.read(line, line + 1), reader.high.read(line, line + 1)):
            if not cut.particle.parted:  # else it waits for the last line of its clump
                assert line - (cut.particle.y + cut.particle.h) < lookahead


def test_lines_of_another_sorter_are_refused(scan):
    _, calibration = scan
    lines = np.full((5, 1400), 50_000, np.uint16)
    for low, high, expected in (
        (lines[:, 1:], lines[:, 1:], "low layer: 1399 columns but the calibration has 1400"),
        (lines, lines[:, 1:], "high layer: 1399 columns"),
        (lines, lines[1:], "5 lines of the low layer and 4"),
    ):
        with pytest.raises(InputError, match=expected):
            Cutter(calibration).push(low, high)


def test_memory_does_not_grow_with_the_scan(tmp_path):
    size = {"height": 300, "width": 600}
    where = [(120, 150, 40, 30), (450, 90, 30, 30)]
    # each with a noise of its own: lines that repeat others are lost ones
    ones = [[scan_of(where, peak=peak, seed=2 * k + (peak > 1), **size) for peak in (1.4, 0.9)] for k in range(16)]
    peaks = []
    for repeats in (4, 16):
        low, high = write(tmp_path, *(np.concatenate(layers) for layers in zip(*ones[:repeats], strict=True)))
        with PairReader(low, high) as reader:
            calibration, _ = measure_scan(reader)
            tracemalloc.start()
            assert sum(1 for _ in cut_scan(reader, calibration, Cutting(crops="released"), lines=128)) == 2 * repeats
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]  # of four times the lines; what holds them doubles once, where a particle ends late


def ratio_error(cuts, level):
    """Deviation of l / h amid the particles from the ratio of the ellipsoids."""
    errors = []
    for cut in cuts:
        low, high = (attenuation(crop, level) for crop in (cut.low, cut.high))
        thick = (cut.low > 0) & (cut.high > 0) & (high > 0.3)
        errors.append((low - low[thick].sum() / high[thick].sum() * high)[thick])
    return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))


def test_registered_crops_overlie_and_released_ones_do_not(scan):
    level = scan[1].low.level
    registered = ratio_error(cut_scan(*scan), level)
    released = ratio_error(cut_scan(*scan, Cutting(crops="released")), level)
    assert registered < 0.075  # counting noise of both layers
    assert released > 1.5 * registered


def test_counts_are_kept(scan):
    reader, calibration = scan
    assert calibration.low.level == pytest.approx(AIR, rel=0.002)
    low = reader.low.read(0, reader.height)
    for cut in cut_scan(*scan):
        mask = cut.particle.mask
        assert cut.low.dtype == cut.high.dtype == np.uint16
        assert ((cut.low > 0) == mask).all()
        assert ((cut.high > 0) == mask).all()
        assert cut.low[mask].mean() == pytest.approx(low[cut.particle.box][mask].mean(), rel=0.005)
        if not cut.particle.clipped:
            # half an ellipsoid's attenuation integrates to two thirds of its peak over its outline
            assert cut.mass_proxy == pytest.approx(0.9 * 2 / 3 * mask.sum(), rel=0.12)


def test_an_air_background_keeps_the_belt_and_blanks_neighbours(scan):
    for cut in cut_scan(*scan, Cutting(background="air")):
        outside = ~cut.particle.mask
        assert cut.low[outside].mean() == pytest.approx(AIR, rel=0.02)
        assert (cut.low[outside] > 0.75 * AIR).all()


def test_a_neighbour_in_the_box_becomes_background(tmp_path):
    # the small one lies in the empty corner of the large one's box
    ellipses = [(120, 120, 60, 50), (173, 77, 8, 7), (900, 100, 30, 30)]
    low, high = (scan_of(ellipses, height=260, width=1000, peak=p, seed=k) for k, p in enumerate((1.4, 0.9)))
    with PairReader(*write(tmp_path, low, high)) as reader:
        calibration = calibrate_scan(reader)
        for options in (Cutting(), Cutting(crops="released"), Cutting(background="air")):
            large = max(cut_scan(reader, calibration, options), key=lambda c: c.particle.w)
            x, y = 173 - large.particle.x, 77 - large.particle.y
            for layer, crop in ((low, large.low), (high, large.high)):
                assert layer[77, 173] < 0.75 * AIR
                blank = 0 if options.background == "zero" else round(calibration.low.level)
                assert crop[y, x] == blank
                assert 0 < crop[large.particle.h // 2, large.particle.w // 2] < 0.6 * AIR


def test_an_unregistered_neighbour_becomes_background_where_its_own_layer_shows_it(tmp_path):
    ellipses = [(120, 120, 60, 50), (173, 77, 8, 7), (900, 100, 30, 30)]
    low = scan_of(ellipses, height=260, width=1000)
    high = scan_of([(x - 12, y, a, b) for x, y, a, b in ellipses], height=260, width=1000, peak=0.9, seed=1)
    with PairReader(*write(tmp_path, low, high)) as reader:
        calibration, _ = measure_scan(reader)
        options = Cutting(crops="released", background="air")
        large = max(cut_scan(reader, calibration, options), key=lambda c: c.particle.w)
    for crop, layer, shift in ((large.low, low, 0), (large.high, high, 12)):
        box = (slice(72, 83), slice(168 - shift, 179 - shift))
        inside = (
            slice(72 - large.particle.y, 83 - large.particle.y),
            slice(168 - shift - large.particle.x, 179 - shift - large.particle.x),
        )
        assert layer[box].mean() < 0.75 * AIR
        assert crop[inside].mean() == pytest.approx(AIR, rel=0.01)


def test_of_a_clump_at_the_border_only_the_part_that_reaches_it_is_clipped(tmp_path):
    # rows 252 to 260: of the first pair one particle reaches the last line, of the second none
    ellipses = [(200, 240, 35, 28), (200, 186, 30, 30), (700, 200, 35, 28), (700, 146, 30, 30)]
    low, high = (scan_of(ellipses, height=260, width=1000, peak=p, seed=k) for k, p in enumerate((1.4, 0.9)))
    with PairReader(*write(tmp_path, low, high)) as reader:
        calibration, _ = measure_scan(reader)
        particles = [c.particle for c in cut_scan(reader, calibration, Cutting(crops="released"))]
    assert all(particle.parted for particle in particles)
    assert sorted((p.x > 500, p.y, p.clipped) for p in particles) == [
        (False, pytest.approx(156, abs=4), False),
        (False, pytest.approx(212, abs=5), True),
        (True, pytest.approx(116, abs=4), False),
        (True, pytest.approx(172, abs=5), False),
    ]


def test_what_the_high_layer_sees_beside_the_belt_is_clipped(tmp_path):
    # both ellipses lie on the belt, but the high layer sees the first up to its last column and beyond
    ellipses = [(1308, 60, 25, 22), (1295, 190, 25, 22), (420, 190, 35, 25), (130, 60, 30, 22)]
    size = {"height": 270, "width": 1400, "beside": 60}
    low = scan_of(ellipses, **size)
    high = scan_of([(SCALE * x + 1.0, y + ROWS, SCALE * a, b) for x, y, a, b in ellipses], peak=0.9, seed=1, **size)
    with PairReader(*write(tmp_path, low, high)) as reader:
        calibration = calibrate_scan(reader)
        for crops in ("registered", "released"):
            cuts = cut_scan(reader, calibration, Cutting(crops=crops))
            assert [c.particle.clipped for c in sorted(cuts, key=place)] == [
                False,
                crops == "registered",
                False,
                False,
            ]


def test_a_particle_that_high_energy_does_not_show_keeps_its_pixels(tmp_path):
    low, high = scan_of([(100, 100, 25, 20)], peak=0.4), scan_of([], seed=1)
    with PairReader(*write(tmp_path, low, high)) as reader:
        calibration, _ = measure_scan(reader)
        (cut,) = cut_scan(reader, calibration, Cutting(crops="released"))
    np.testing.assert_array_equal(cut.high > 0, cut.particle.mask)


def test_a_calibration_survives_its_file(scan, tmp_path):
    reader, calibration = scan
    save_calibration(tmp_path / "c.json", calibration)
    again = load_calibration(tmp_path / "c.json")
    assert again.registration == calibration.registration
    assert again.belt == calibration.belt
    for one, other in zip(cut_scan(reader, again), cut_scan(*scan), strict=True):
        np.testing.assert_allclose(one.low.astype(int), other.low, atol=1)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 1}', '{"version": 2, "belt": [0, 9]}', '{"version": 2, "registration": 3}'],
)
def test_other_files_are_no_calibration(tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match=r"c\.json: not .*oresort\.calibrate"):
        load_calibration(tmp_path / "c.json")


def test_what_does_not_fit_the_scan_is_refused(scan, tmp_path):
    reader, calibration = scan
    unknown = replace(calibration, registration=None)
    with pytest.raises(InputError, match="registration is not known"):
        next(cut_scan(reader, unknown))
    assert len(list(cut_scan(reader, unknown, Cutting(crops="released")))) == len(ELLIPSES)
    paths = write(tmp_path, *(scan_of([], height=50, width=99) for _ in range(2)))
    with (
        PairReader(*paths) as narrow,
        pytest.raises(InputError, match="99 columns but the calibration has 1400"),
    ):
        next(cut_scan(narrow, calibration))
    for wrong in ({"mask": "ideal"}, {"background": "white"}, {"min_area": 0}, {"convex": 0}, {"neck": 1.1}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Cutting(**wrong)


@pytest.fixture(scope="module")
def real(real_dir):
    with PairReader(real_dir / "scan_38_low.tiff", real_dir / "scan_38_high.tiff") as reader:
        yield reader, calibrate_scan(reader)


def test_the_real_scan_is_registered_without_being_told(real):
    fit = real[1].registration
    assert fit.scale == pytest.approx(1.0075, abs=0.001)
    assert fit.row_offset == pytest.approx(0.27, abs=0.15)
    assert fit.unregistered > 2 * fit.residual


def test_the_real_particles_are_found_and_the_released_boxes_recovered(real, real_dir):
    cuts = sorted(cut_scan(*real), key=place)
    assert [c.particle.clipped for c in cuts] == [True, False, False, False, True]
    assert not any(c.particle.touching or c.particle.parted for c in cuts)
    for folder in real_dir.glob("pairs/*/*"):
        box = [int(part[1:]) for part in folder.name.split("-")[1:]]
        assert max(iou((p.x, p.y, p.w, p.h), box) for p in (c.particle for c in cuts)) >= 0.85


def residual(cut, air):
    """Rms of l about a cubic in h inside one particle, three pixels from its rim."""
    from scipy import ndimage

    inside = ndimage.binary_erosion((cut.low > 0) & (cut.high > 0), iterations=3)
    low, high = (
        ndimage.gaussian_filter(attenuation(np.where(crop > 0, crop, air), air), 1.0)[inside]
        for crop in (cut.low, cut.high)
    )
    return float(np.sqrt(np.mean((low - np.polyval(np.polyfit(high, low, 3), high)) ** 2)))


def test_registered_real_crops_leave_half_the_residual_of_released_ones(real):
    air = real[1].low.level
    errors = {}
    for crops in ("registered", "released"):
        cuts = cut_scan(*real, Cutting(crops=crops, split=False))
        errors[crops] = [residual(cut, air) for cut in sorted(cuts, key=place) if cut.low.size > 1000]
    assert len(errors["registered"]) == 4
    assert np.mean(errors["released"]) >= 2 * np.mean(errors["registered"])


def test_real_crops_cut_as_released_are_the_released_ones_to_the_pixel(real, real_dir):
    cuts = {(c.particle.x, c.particle.y, c.particle.w, c.particle.h): c for c in cut_scan(*real, AS_RELEASED)}
    for folder in real_dir.glob("pairs/*/*"):
        cut = cuts[tuple(int(part[1:]) for part in folder.name.split("-")[1:])]
        np.testing.assert_array_equal(cut.low, read_image(folder / "low.tiff"))
        np.testing.assert_array_equal(cut.high, read_image(folder / "high.tiff"))


def test_what_has_ended_is_yielded_before_anything_is_parted(scan):
    _, calibration = scan
    # one that ends beside one that goes on, and others that end about there
    ellipses = [(230, 60, 30, 22), (275, 130, 22, 90), *((400 + 60 * k, 60 + 3 * k, 14, 20) for k in range(12))]
    low = scan_of(ellipses, height=270, width=1400, beside=60)
    seen = [(SCALE * x + OFFSET, y + ROWS, SCALE * a, b) for x, y, a, b in ellipses]
    high = scan_of(seen, peak=0.9, seed=1, height=270, width=1400, beside=60)
    cutter = Cutter(calibration)
    groups = [
        [[held.region.parted for held in group] for group in cutter.find(low[start:][:BLOCK], high[start:][:BLOCK])]
        for start in range(0, 160, BLOCK)
    ]
    (both,) = (block for block in groups if len(block) > 1)
    ended, parted = both
    assert not any(ended)
    assert parted == [True]
    assert sum(len(group) for block in groups for group in block) == len(ellipses) - 1


def test_lines_that_are_refused_leave_no_trace_though_nobody_asks_for_groups(scan):
    _, calibration = scan
    cutter = Cutter(calibration)
    lines = np.full((5, 1400), 50_000, np.uint16)
    with pytest.raises(InputError, match="columns"):
        cutter.find(lines[:, 1:], lines[:, 1:])
    assert cutter.lines == 0
