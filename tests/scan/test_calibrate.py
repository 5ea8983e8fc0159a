"""From files of a scan to a calibration: what belongs together, what is refused, what an old one is worth today."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from ellipses import AIR, scan_of

from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles
from oresort.scan.calibrate.adjust import adjust_calibration
from oresort.scan.calibrate.calibration import load_calibration, save_calibration
from oresort.scan.calibrate.many import calibrate_scans, use_calibration
from oresort.scan.calibrate.measure import calibrate_scan

SIZE = {"height": 270, "width": 1400, "beside": 60}
ELLIPSES = [(130, 60, 30, 22), (420, 190, 35, 25), (700, 80, 25, 30), (960, 170, 40, 22), (1250, 100, 28, 28)]


def pair(count=5, rows=0.27, seed=0):
    """Return low and high of a scan with so many particles, as an ordinary sorter sees them."""
    seen = [(1.0075 * x - 4.9, y + rows, 1.0075 * a, b) for x, y, a, b in ELLIPSES[:count]]
    return scan_of(ELLIPSES[:count], seed=seed, **SIZE), scan_of(seen, peak=0.9, seed=seed + 1, **SIZE)


def write(folder, low, high, name="a"):
    paths = folder / f"{name}_low.tiff", folder / f"{name}_high.tiff"
    for path, counts in zip(paths, (low, high), strict=True):
        tifffile.imwrite(path, np.ascontiguousarray(counts))
    return ScanFiles(name, *paths, "", "")


def calibrated(folder, low, high, needed=False):
    files = write(folder, low, high)
    with PairReader(files.low, files.high) as reader:
        return calibrate_scan(reader, needed=needed)


def adjusted(folder, calibration, low, high):
    files = write(folder, low, high)
    with PairReader(files.low, files.high) as reader:
        return adjust_calibration(reader, calibration)


def brighter(counts, factor):
    return np.where(counts == 65_535, counts, np.rint(counts * factor).clip(0, 65_534)).astype(np.uint16)


def test_an_ordinary_scan_has_nothing_to_say(tmp_path):
    found = calibrated(tmp_path, *pair())
    assert found.registration.row_offset == pytest.approx(0.27, abs=0.1)
    assert found.notes == ()
    assert found.faults() == []
    assert found.made.startswith("20")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("kind", "complaint"),
    [("exchanged", "exchange low and high"), ("empty", "same particles"), ("low empty", "same particles"),
     ("other", "same particles"), ("late", "same particles")],
)  # fmt: skip
def test_layers_that_differ_are_refused(tmp_path, count, kind, complaint):
    low, high = pair(count)
    match kind:
        case "exchanged":
            low, high = high, low
        case "empty":
            high = scan_of([], seed=5, **SIZE)
        case "low empty":
            low = scan_of([], seed=5, **SIZE)
        case "other":
            high = scan_of([(x + 90, y + 50, b, a) for x, y, a, b in ELLIPSES[:count]], peak=0.9, seed=5, **SIZE)
        case "late":
            high = pair(count, rows=40)[1]
    with pytest.raises(InputError, match=rf"a_low\.tiff: .*{complaint}"):
        calibrated(tmp_path, low, high)


@pytest.mark.parametrize("count", [1, 5])
def test_a_late_layer_is_noted_and_registered(tmp_path, count):
    found = calibrated(tmp_path, *pair(count, rows=8.3))
    assert any("lags by 8.3 lines" in note for note in found.notes)
    assert (found.registration is None) == (count == 1)


def test_particles_that_one_layer_lacks_are_counted(tmp_path):
    low, _ = pair()
    high = pair(4)[1]
    assert any("1 of 5 particles are on the low layer alone" in note for note in calibrated(tmp_path, low, high).notes)


@pytest.mark.parametrize("sides", [0, 30])
def test_a_belt_that_runs_along_the_lines_is_refused(tmp_path, sides):
    low, high = (layer.T[60 - sides : 1340 + sides] for layer in pair())
    with pytest.raises(InputError, match="90 degrees"):
        calibrated(tmp_path, low, high)


@pytest.mark.parametrize("kind", ["lost", "one layer", "full", "packet", "repeated", "dead module"])
def test_faulty_lines_and_columns_move_no_registration(tmp_path, kind):
    clean = calibrated(tmp_path, *pair())
    low, high = pair()
    match kind:
        case "lost":
            low[150:152, 60:-60] = high[150:152, 60:-60] = 0
        case "one layer":
            high[75, 60:-60] = 0
        case "full":
            low[150:160] = 65_535
        case "packet":
            low[20:24, 200:456] = 0
            high[230, 700:956] = 0
        case "repeated":
            low[240:250] = low[240]
        case "dead module":
            low[:, 800:928] = 0
    found = calibrated(tmp_path, low, high)
    for column in (60, 1339):
        mine, theirs = (c.registration.scale * column + c.registration.column_offset for c in (found, clean))
        assert mine == pytest.approx(theirs, abs=0.1)
    assert found.registration.row_offset == pytest.approx(0.27, abs=0.1)
    assert found.notes == ()
    assert [str(fault) for fault in found.faults()] == (
        ["low layer, columns 800-927: dark, not mended"] if kind == "dead module" else []
    )


def test_bad_scans_never_enter_a_pool(tmp_path):
    low, high = pair()
    good = write(tmp_path, low, high, "good")
    few = write(tmp_path, *pair(1, seed=7), "few")
    bare = write(tmp_path, *pair(0, seed=9), "bare")
    bad = [
        write(tmp_path, high, low, "exchanged"),
        write(tmp_path, pair(1)[0], scan_of([], seed=3, **SIZE), "empty"),
        write(tmp_path, pair(1)[0], pair(1, rows=60)[1], "other"),
    ]
    for pooled in (False, True):
        found, problems = calibrate_scans(
            [good, few, bare, *bad], None, None, pooled=pooled, needed=True, advance=lambda _: None
        )
        assert {files.name: origin for files, (_, origin) in found.items()} == {
            "good": "pooled" if pooled else "scan", "few": "pooled", "bare": "pooled",
        }  # fmt: skip
        assert len(problems) == 3
        assert all(calibration.registration.residual < 0.04 for calibration, _ in found.values())


def test_a_scan_with_nothing_on_it_needs_another_ones_registration(tmp_path):
    with pytest.raises(InputError, match="no particles to register"):
        calibrated(tmp_path, *pair(0), needed=True)
    with pytest.raises(InputError, match="too few particles to register"):
        calibrated(tmp_path, *pair(1), needed=True)
    files = write(tmp_path, *pair(1))
    _, problems = calibrate_scans([files], None, None, pooled=False, needed=True, advance=lambda _: None)
    assert "too few particles" in problems[0]


@pytest.mark.parametrize("factor", [0.75, 0.95, 1.0, 1.1])
def test_an_old_calibration_takes_todays_level(tmp_path, factor):
    old = calibrated(tmp_path, *pair())
    low, high = (brighter(layer, factor) for layer in pair(1, seed=11))
    today = adjusted(tmp_path, old, low, high)
    assert today.registration == old.registration
    assert today.levels == (old.low.level, old.high.level)
    for now, before in ((today.low, old.low), (today.high, old.high)):
        assert now.level == pytest.approx(factor * before.level, rel=0.002)
        np.testing.assert_allclose(now.air[60:-60] / before.air[60:-60], factor, rtol=0.002)
    assert today.notes == ()


@pytest.mark.parametrize("factor", [0.6, 0.3])
def test_another_tube_setting_is_refused_with_its_figures(tmp_path, factor):
    old = calibrated(tmp_path, *pair())
    low, high = pair()
    with pytest.raises(InputError, match=rf"a_high\.tiff: its air of [\d,]+ counts is {factor:.2f} of .*0\.7 to 1\.3"):
        adjusted(tmp_path, old, low, brighter(high, factor))


def test_what_has_changed_since_is_noted(tmp_path):
    low, high = pair()
    old = calibrated(tmp_path, low, high)
    low[:, 400:528] = brighter(low[:, 400:528], 0.95)
    high[:, 700:705] = 0
    today = adjusted(tmp_path, old, low, high)
    assert "low layer: air has changed by up to -5" in today.notes[0]
    assert "40" in today.notes[0]
    assert [str(fault) for fault in today.faults()] == ["high layer, columns 700-704: dark, mended"]
    moved = replace(old, registration=replace(old.registration, column_offset=old.registration.column_offset + 3))
    assert any("3.0 columns" in note for note in adjusted(tmp_path, moved, *pair()).notes)
    with pytest.raises(InputError, match="exchange low and high"):
        adjusted(tmp_path, old, *pair(1)[::-1])
    with pytest.raises(InputError, match="700 columns but the calibration has 1400"):
        adjusted(tmp_path, old, low[:, :700], high[:, :700])


def test_one_calibration_for_many_scans(tmp_path):
    old = calibrated(tmp_path, *pair())
    good, bad = write(tmp_path, *pair(2), "good"), write(tmp_path, *pair(2)[::-1], "bad")
    found, problems = use_calibration([good, bad], old)
    assert [(files.name, origin) for files, (_, origin) in found.items()] == [("good", "file")]
    assert len(problems) == 1


def test_all_of_a_calibration_survives_its_file(tmp_path):
    low, high = pair()
    low[:, 300:309] = 40_000
    low[:, 500] = 0
    found = replace(calibrated(tmp_path, low, high), sorter="A", pixel=0.4, levels=(AIR, 1.0), notes=("odd",))
    save_calibration(tmp_path / "c.json", found)
    again = load_calibration(tmp_path / "c.json")
    for name in ("belt", "registration", "made", "sorter", "pixel", "levels", "notes"):
        assert getattr(again, name) == getattr(found, name)
    assert again.faults() == found.faults()
    assert [str(fault) for fault in again.faults()] == [
        "low layer, columns 300-308: stuck, not mended",
        "low layer, columns 500: dark, mended",
    ]
    np.testing.assert_allclose(again.low.air, found.low.air, rtol=1e-6)


def test_the_real_scan(real_dir, tmp_path):
    low, high = read_pair(real_dir / "scan_38_low.tiff", real_dir / "scan_38_high.tiff")
    real = calibrated(tmp_path, low, high)
    assert real.notes == ()
    assert real.faults() == []
    with pytest.raises(InputError, match="exchange"):
        calibrated(tmp_path, high, low)
    turned = low[:, 181:2810].T, high[:, 181:2810].T
    with pytest.raises(InputError, match="90 degrees"):
        calibrated(tmp_path, *turned)
    with pytest.raises(InputError, match="90 degrees"):
        calibrated(tmp_path, low.T, high.T)
    with pytest.raises(InputError, match="invert"):
        calibrated(tmp_path, 65_535 - low, 65_535 - high)
    late = calibrated(tmp_path, low[:-8], high[8:])
    assert "lags by -7." in late.notes[0]
    low[:, 1500:1628] = 0  # beside the particles
    dead = calibrated(tmp_path, low, high)
    assert dead.registration.scale == pytest.approx(real.registration.scale, abs=1e-4)


@pytest.mark.parametrize("share", [0.9, 0.6, 0.3])
@pytest.mark.parametrize("both", [True, False])
def test_air_that_falls_within_a_scan_is_named(tmp_path, share, both):
    low, high = pair()
    fall = np.where(np.arange(len(low)) < 0.6 * len(low), 1, share)[:, None]
    found = calibrated(tmp_path, brighter(low, fall), brighter(high, fall) if both else high)
    named = [note for note in found.notes if "of its usual level within the scan" in note]
    assert len(named) == (0 if share == 0.9 else 2 if both else 1)
    assert all(f"between {share:.0%}" in note for note in named)
