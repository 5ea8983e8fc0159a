"""`prepare` as typed: datasets that training can read, and every kind of bad scan in one line."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml
from PIL import Image, ImageColor

from oresort import prepare
from oresort.belt import simulate_scan, write_scans
from oresort.console.palette import GREEN
from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.image import read_image, read_pair
from oresort.files.lines import PairReader
from oresort.files.manifest import load_manifest
from oresort.paths import CONF_DIR
from oresort.scan.calibrate.calibration import save_calibration
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.scan.prepare import PrepareConfig


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("error: ")]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated scans with their truth tables; tests must not change them."""
    folder = tmp_path_factory.mktemp("raw")
    write_scans(folder, scans=2, seed=5, particles=12)
    return folder


def write_pair(folder: Path, name: str, low: np.ndarray, high: np.ndarray, suffix: str = ".tiff") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for layer, counts in (("low", low), ("high", high)):
        path = folder / f"{name}_{layer}{suffix}"
        if suffix == ".png":
            Image.fromarray(counts).save(path)
        else:
            tifffile.imwrite(path, counts, compression="lzw", predictor=True, rowsperstrip=1)


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, np.ndarray]:
    """A part of a simulated scan, with particles cut by its borders."""
    scan = simulate_scan(5, particles=60)
    return scan.low[:260, 300:1300], scan.high[:260, 300:1300]


def test_simulated_scans_become_a_dataset_with_known_grades(command: Any, scans: Path, tmp_path: Path):
    code, out, err = command(prepare, f"scans={scans}", f"out={tmp_path / 'set'}")
    assert code == 0, err
    assert "pairs" in out
    raw = pd.read_csv(tmp_path / "set" / "manifest.csv")
    frame = load_manifest(tmp_path / "set")
    clumps = 24 - len(frame)  # a rock so rough that it may be two has no grade of its own
    assert clumps <= 2
    assert (tmp_path / "set" / "unlabelled.csv").exists() == ("without a label" in err) == (clumps > 0)
    assert set(frame["scan"]) == {"scan_1", "scan_2"}
    whole = raw[raw["clipped"] == 0]
    assert whole["grade"].notna().all()
    assert ((raw["label"] == "ore") == (raw["grade"] >= 0.10)).all()
    # attenuation goes with mass: rocks of one density would correlate perfectly
    assert np.corrcoef(whole["mass_proxy"], whole["mass"])[0, 1] > 0.9
    for row in raw.itertuples():
        low, high = read_pair(tmp_path / "set" / row.low, tmp_path / "set" / row.high)
        assert low.shape == (row.h, row.w)
        np.testing.assert_array_equal(low > 0, high > 0)
        assert (low > 0).sum() == row.area
        assert row.air == pytest.approx(52_350, rel=0.02)
    summary = pd.read_csv(tmp_path / "set" / "summary.csv")
    assert summary["particles"].tolist() == [12, 12]
    assert (summary["unregistered"] > 2 * summary["residual"]).all()
    for name in ("scan_1", "scan_2"):
        with Image.open(tmp_path / "set" / "overlays" / f"{name}.png") as picture:
            assert picture.size[0] > 2629
            seen = np.asarray(picture.convert("RGB"))
        # twelve boxes, most of them around whole particles, in that colour
        near = np.abs(seen - ImageColor.getrgb(GREEN)).sum(axis=-1) < 150  # lines are smoothed
        assert 10 * 4 * 30 < near.sum() < 12 * 4 * 150
        assert (tmp_path / "set" / "calibration" / f"{name}.json").is_file()
    assert (tmp_path / "set" / "summary.png").is_file()
    cut = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert cut["cut"] == asdict(Cutting())
    assert cut["made_by"].startswith("oresort.prepare ")
    assert cut["scans"]["air_low"]["median"] == pytest.approx(summary["air_low"].median())
    assert cut["scans"]["residual"]["max"] == summary["residual"].max()


def test_a_saved_calibration_gives_the_same_crops(command: Any, scans: Path, tmp_path: Path):
    for layer in ("low", "high"):
        (tmp_path / "raw").mkdir(exist_ok=True)
        (tmp_path / "raw" / f"a_{layer}.tiff").write_bytes((scans / f"scan_1_{layer}.tiff").read_bytes())
    words = (f"scans={tmp_path / 'raw'}", "label=ore", "batch=7", "overlay=false")
    assert command(prepare, *words, f"out={tmp_path / 'one'}")[0] == 0
    saved = tmp_path / "one" / "calibration" / "a.json"
    code, _, err = command(prepare, *words, f"out={tmp_path / 'two'}", f"calibration={saved}")
    assert code == 0, err
    one, two = (pd.read_csv(tmp_path / name / "manifest.csv") for name in ("one", "two"))
    assert one["id"].tolist() == two["id"].tolist()
    assert one["id"].str.startswith("ore_7/a-x").all()
    for name in one["high"]:
        images = [read_image(tmp_path / folder / name).astype(int) for folder in ("one", "two")]
        np.testing.assert_allclose(*images, atol=1)
    assert not (tmp_path / "two" / "overlays").exists()
    content = json.loads(saved.read_text())
    content["low"]["air"] = content["low"]["air"][:-1]
    saved.write_text(json.dumps(content))
    code, _, err = command(prepare, *words, f"out={tmp_path / 'three'}", f"calibration={saved}")
    assert code == 1
    assert "not a calibration" in errors(err)[0]


def test_folders_give_class_and_batch_and_a_pattern_the_layers(command: Any, small: Any, tmp_path: Path):
    for folder, name in (("raw/ore_1200", "a"), ("raw/waste_9", "b")):
        write_pair(tmp_path / folder, name, *small)
        for layer, other in (("low", "LE"), ("high", "HE")):
            (tmp_path / folder / f"{name}_{layer}.tiff").rename(tmp_path / folder / f"{other}-{name}.tif")
    words = ("low='LE-{scan}'", 'high="HE-{scan}"', "background=air", "overlay=false")
    code, _, err = command(prepare, f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", *words)
    assert code == 0, err
    frame = load_manifest(tmp_path / "set")
    assert set(zip(frame["scan"], frame["label"], frame["batch"], strict=True)) == {
        ("a", 1, "1200"),
        ("b", 0, "9"),
    }
    assert (frame["background"] == "air").all()


def test_png_scans_and_released_crops_and_dropped_flags(command: Any, small: Any, tmp_path: Path):
    write_pair(tmp_path / "raw", "a", *small, suffix=".png")
    words = (f"scans={tmp_path / 'raw'}", "label=waste", "overlay=false")
    assert command(prepare, *words, f"out={tmp_path / 'all'}", "crops=released")[0] == 0
    code, _, err = command(prepare, *words, f"out={tmp_path / 'few'}", "drop=[clipped,touching]")
    assert code == 0, err
    every, few = (pd.read_csv(tmp_path / name / "manifest.csv") for name in ("all", "few"))
    assert every["clipped"].sum() > 0
    assert len(few) == ((every["clipped"] == 0) & (every["touching"] == 0)).sum()
    row = every[every["clipped"] == 0].iloc[0]
    low, high = read_pair(tmp_path / "all" / row["low"], tmp_path / "all" / row["high"])
    assert ((low > 0) != (high > 0)).any(), "each layer by its own mask"


def test_without_labels_the_pairs_are_written_and_a_warning_says_so(command: Any, small: Any, tmp_path: Path):
    write_pair(tmp_path / "raw", "a", *small)
    code, _, err = command(prepare, f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", "overlay=false")
    assert code == 0
    assert "say label=ore or waste" in err
    table = pd.read_csv(tmp_path / "set" / "unlabelled.csv")
    assert len(table) > 5
    assert all((tmp_path / "set" / name).is_file() for name in table["low"])
    with pytest.raises(InputError, match=r"manifest\.csv: no pairs"):
        load_manifest(tmp_path / "set")


def test_one_pair_without_a_label_does_not_spoil_the_others(command: Any, small: Any, tmp_path: Path):
    write_pair(tmp_path / "raw", "a", *small)
    words = (f"scans={tmp_path / 'raw'}", "overlay=false")
    assert command(prepare, *words, f"out={tmp_path / 'all'}", "label=ore")[0] == 0
    known = pd.read_csv(tmp_path / "all" / "manifest.csv")[["x", "y", "w", "h"]]
    known.iloc[1:].assign(grade=0.2).to_csv(tmp_path / "raw" / "a_truth.csv", index=False)
    code, _, err = command(prepare, *words, f"out={tmp_path / 'set'}")
    assert code == 0
    assert "1 without a label" in err
    assert len(load_manifest(tmp_path / "set")) == len(known) - 1
    assert len(pd.read_csv(tmp_path / "set" / "unlabelled.csv")) == 1


def test_an_empty_belt_takes_the_registration_of_the_others(command: Any, scans: Path, tmp_path: Path):
    full = read_pair(scans / "scan_1_low.tiff", scans / "scan_1_high.tiff")
    rng = np.random.default_rng(0)
    bare = [np.where(layer == 65_535, 65_535, rng.normal(52_000, 1_300, layer.shape)) for layer in full]
    write_pair(tmp_path / "raw", "full", *full)
    write_pair(tmp_path / "raw", "bare", *(layer.clip(0, 65_535).astype(np.uint16) for layer in bare))
    words = (f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", "label=ore")
    code, _, err = command(prepare, *words)
    assert code == 0, err
    summary = pd.read_csv(tmp_path / "set" / "summary.csv").set_index("scan")
    assert summary.loc["bare", "particles"] == 0
    assert summary.loc["bare", "registration"] == "pooled"
    assert summary.loc["full", "registration"] == "scan"


def test_pooled_registration_is_one_for_all(command: Any, scans: Path, tmp_path: Path):
    words = (f"scans={scans}", f"out={tmp_path / 'set'}", "registration=pooled", "overlay=false")
    code, _, err = command(prepare, *words)
    assert code == 0, err
    summary = pd.read_csv(tmp_path / "set" / "summary.csv")
    assert summary["registration"].tolist() == ["pooled", "pooled"]
    assert summary["scale"].nunique() == 1
    assert (summary["unregistered"] > 2 * summary["residual"]).all()


def test_an_air_and_dark_pair_corrects_raw_counts(command: Any, tmp_path: Path):
    scan = simulate_scan(1, particles=12)
    shape = np.linspace(0.6, 1.0, scan.low.shape[1])

    def raw(counts: np.ndarray) -> np.ndarray:
        return np.where(counts == 65_535, 65_535, np.rint(counts * shape + 500)).astype(np.uint16)

    rng = np.random.default_rng(0)
    air = rng.normal(52_000, 1_300, (200, scan.low.shape[1])).clip(0, 65_534)
    dark = np.full((9, scan.low.shape[1]), 500, np.uint16)
    write_pair(tmp_path / "raw", "a", raw(scan.low), raw(scan.high))
    write_pair(tmp_path / "known", "air", raw(air), raw(air))
    write_pair(tmp_path / "known", "dark", dark, dark)
    code, _, err = command(
        prepare, f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", "label=ore", "overlay=false",
        f"air={tmp_path / 'known' / 'air'}", f"dark={tmp_path / 'known' / 'dark'}",
    )  # fmt: skip
    assert code == 0, err
    frame = pd.read_csv(tmp_path / "set" / "manifest.csv")
    assert len(frame) == 12
    for row in frame.itertuples():
        crop = read_image(tmp_path / "set" / row.low)
        mask = crop > 0
        truth = scan.low[row.y : row.y + row.h, row.x : row.x + row.w]
        assert (crop[mask] / row.air).mean() == pytest.approx((truth[mask] / scan.settings.air[0]).mean(), rel=0.01)


@pytest.fixture(scope="module")
def calibrated(small: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calibration of that scan; tests must not change it."""
    folder = tmp_path_factory.mktemp("calibrated")
    write_pair(folder, "good", *small)
    with PairReader(folder / "good_low.tiff", folder / "good_high.tiff") as reader:
        save_calibration(folder / "good.json", calibrate_scan(reader))
    return folder / "good.json"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda low, high: (low, (high * 0.6).astype(np.uint16)), "is 0.60 of the calibration's"),
        (lambda low, high: ((low // 400).astype(np.uint16), high), "dark"),
        (lambda low, high: (high, low), "exchange low and high"),
        (lambda low, high: (low, low), "exchange low and high, or give two layers"),
        (lambda low, high: (low, high[::-1]), "do not show the same particles"),
        (lambda low, high: (low[:, :-9], high[:, :-9]), "991 columns but the calibration has 1000"),
    ],
)
def test_a_scan_that_a_given_calibration_does_not_fit_is_refused(
    command: Any, small: Any, calibrated: Path, tmp_path: Path, change: Any, complaint: str
):
    write_pair(tmp_path / "raw", "good", *small)
    write_pair(tmp_path / "raw", "bad", *change(*small))
    words = (f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", f"calibration={calibrated}", "label=ore")
    code, _, err = command(prepare, *words, "overlay=false")
    assert code == 1
    assert complaint in errors(err)[0]
    assert "bad_" in errors(err)[0]
    assert set(load_manifest(tmp_path / "set")["scan"]) == {"good"}


def test_empty_belts_alone_make_no_dataset(command: Any, small: Any, tmp_path: Path):
    write_pair(tmp_path / "raw", "bad", *small)
    damage(tmp_path / "raw", "empty belt", small)
    words = (f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", "crops=released")
    code, _, err = command(prepare, *words)
    assert code == 1
    assert "no particle" in errors(err)[0]
    assert not (tmp_path / "set").exists()


def damage(folder: Path, kind: str, small: tuple[np.ndarray, np.ndarray]) -> None:
    """Spoil the scan `bad` of a folder in one way."""
    low, high = small
    path = folder / "bad_low.tiff"
    if kind == "missing layer":
        path.unlink()
    elif kind == "sizes differ":
        tifffile.imwrite(path, low[:-5])
    elif kind == "8-bit":
        tifffile.imwrite(path, (low >> 8).astype(np.uint8))
    elif kind == "rgb":
        tifffile.imwrite(path, np.dstack([low] * 3), photometric="rgb")
    elif kind == "dark":
        tifffile.imwrite(path, (low // 500).astype(np.uint16))
    elif kind == "saturated":
        tifffile.imwrite(path, np.full_like(low, 65_535))
    elif kind == "few lines":
        for layer, counts in (("low", low), ("high", high)):
            tifffile.imwrite(folder / f"bad_{layer}.tiff", counts[:9])
    elif kind == "exchanged":
        tifffile.imwrite(path, high)
        tifffile.imwrite(folder / "bad_high.tiff", low)
    elif kind == "one layer twice":
        tifffile.imwrite(folder / "bad_high.tiff", low)
    elif kind == "layers of two scans":
        tifffile.imwrite(folder / "bad_high.tiff", high[::-1])
    elif kind == "empty belt":
        rng = np.random.default_rng(0)
        for layer in ("low", "high"):
            tifffile.imwrite(
                folder / f"bad_{layer}.tiff", rng.normal(52_000, 1_300, low[:, :999].shape).astype(np.uint16)
            )
    elif kind == "garbage":
        path.write_bytes(b"not an image")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-5_000])
    elif kind == "damaged strip":
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            start, count = page.dataoffsets[250], page.databytecounts[250]
        data = bytearray(path.read_bytes())
        data[start : start + count] = bytes(count)
        path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("missing layer", "no bad_low beside it"),
        ("sizes differ", "two layers of the same scan"),
        ("8-bit", "8-bit"),
        ("rgb", "channels"),
        ("dark", "dark"),
        ("saturated", "saturated"),
        ("few lines", "9 lines"),
        ("exchanged", "exchange low and high"),
        ("one layer twice", "exchange low and high, or give two layers"),
        ("layers of two scans", "do not show the same particles"),
        ("empty belt", "too few particles to register the layers by"),
        ("garbage", "not a whole TIFF"),
        ("empty", "not a whole TIFF"),
        ("truncated", "not a whole TIFF"),
        ("damaged strip", "not a whole TIFF"),
    ],
)
def test_a_bad_scan_is_one_line_and_the_others_go_on(
    command: Any, small: Any, tmp_path: Path, kind: str, complaint: str
):
    for name in ("bad", "good"):
        write_pair(tmp_path / "raw", name, *small)
    damage(tmp_path / "raw", kind, small)
    words = (f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", "label=ore", "overlay=false")
    code, _, err = command(prepare, *words)
    assert code == 1
    assert "Traceback" not in err
    lines = errors(err)
    assert len(lines) == 2
    assert complaint in lines[0]
    assert "bad_" in lines[0]
    assert ";" in lines[0], "no mend"
    assert "1 of 2 scans failed" in lines[1]
    frame = load_manifest(tmp_path / "set")
    assert set(frame["scan"]) == {"good"}
    assert not list((tmp_path / "set").rglob("bad*"))
    # alone it leaves nothing behind
    for path in (tmp_path / "raw").glob("good*"):
        path.unlink()
    code, _, err = command(prepare, words[0], f"out={tmp_path / 'alone'}")
    assert code == 1
    assert complaint in errors(err)[0]
    assert not (tmp_path / "alone").exists()
    assert not list(tmp_path.glob(".alone*"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("scans=nowhere",), "nowhere: not a folder"),
        ((), "scans"),
        (("crops=round",), "crops=round"),
        (("mask=ideal",), "mask=ideal"),
        (("background=white",), "background=white"),
        (("registration=yes",), "registration=yes"),
        (("label=gold",), "label=gold"),
        (("drop=[small]",), "drop=small"),
        (("batch=../x",), "batch=../x"),
        (("low=low",), "low=low"),
        (("table=x",), "table=x"),
        (("min_area=0",), "min_area=0"),
        (("convex=0",), "convex=0"),
        (("neck=2",), "neck=2"),
        (("air=nowhere/air",), "nowhere: no air_low image"),
        (("calibration=nowhere.json",), "nowhere.json"),
        (("nonsense=1",), "nonsense"),
    ],
)
def test_bad_configuration_is_one_line(
    command: Any, scans: Path, tmp_path: Path, words: tuple[str, ...], expected: str
):
    given = (f"scans={scans}",) if words and not words[0].startswith("scans=") else ()
    code, _, err = command(prepare, *given, *words, f"out={tmp_path / 'set'}")
    assert code == 1
    assert len(errors(err)) == 1
    assert expected in errors(err)[0]
    assert "Traceback" not in err
    assert not (tmp_path / "set").exists()


def test_the_files_defaults_are_the_functions():
    content = yaml.safe_load((CONF_DIR / "prepare.yaml").read_text())
    content = {key: value for key, value in content.items() if key not in ("defaults", "scans", "out")}
    assert content == {key: getattr(PrepareConfig(), key) for key in content}
    assert {"convex", "neck", "min_area", "crops"} < content.keys()
    options = Cutting()
    for key in ("convex", "neck", "min_area", "mask", "split", "correct", "background"):
        assert content[key] == getattr(options, key)


def test_a_folder_without_scans_and_a_full_folder_are_refused(command: Any, scans: Path, tmp_path: Path):
    (tmp_path / "none").mkdir()
    code, _, err = command(prepare, f"scans={tmp_path / 'none'}", f"out={tmp_path / 'set'}")
    assert code == 1
    assert "no scans" in errors(err)[0]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("kept")
    code, _, err = command(prepare, f"scans={scans}", f"out={tmp_path / 'full'}")
    assert code == 1
    assert "not empty" in errors(err)[0]
    assert (tmp_path / "full" / "kept.txt").read_text() == "kept"


@pytest.mark.parametrize("out", ["raw", "."])
def test_the_raw_scans_are_never_overwritten(command: Any, small: Any, tmp_path: Path, out: str):
    write_pair(tmp_path / "raw", "a", *small)
    code, _, err = command(prepare, f"scans={tmp_path / 'raw'}", f"out={tmp_path / out}", "overwrite=true")
    assert code == 1
    assert "holds the scans" in errors(err)[0]
    assert (tmp_path / "raw" / "a_low.tiff").is_file()


def test_a_scan_that_fails_late_leaves_no_crops(command: Any, small: Any, tmp_path: Path):
    for name in ("bad", "good"):
        write_pair(tmp_path / "raw", name, *small)
    damage(tmp_path / "raw", "damaged strip", small)
    for layer in ("low", "high"):
        # brackets mean something to a pattern of file names
        (tmp_path / "raw" / f"bad_{layer}.tiff").rename(tmp_path / "raw" / f"a[1]_{layer}.tiff")
    words = (f"scans={tmp_path / 'raw'}", "label=ore", "batch=1", "overlay=false", "crops=released")
    assert command(prepare, *words, f"out={tmp_path / 'set'}")[0] == 1
    frame = load_manifest(tmp_path / "set")
    assert set(frame["scan"]) == {"good"}
    assert {f"ore_1/{p.name}" for p in (tmp_path / "set" / "ore_1").iterdir()} == set(frame["id"])


def test_faults_of_a_detector_are_named_and_stand_in_the_summary(command: Any, small: Any, tmp_path: Path):
    low, high = (layer.copy() for layer in small)
    low[:, 500:503] = 0
    low[130:136] = high[130:136] = 0
    write_pair(tmp_path / "raw", "a", low, high)
    words = (f"scans={tmp_path / 'raw'}", "label=ore", "overlay=false", "crops=released")
    code, out, err = command(prepare, *words, f"out={tmp_path / 'set'}")
    assert code == 0, err
    (row,) = pd.read_csv(tmp_path / "set" / "summary.csv").to_dict("records")
    assert (row["lines_lost"], row["dead_low"], row["dead_high"]) == (6, 3, 0)
    assert "both layers, lines 130-135: lost, not mended" in row["faults"]
    assert "low layer, columns 500-502: dark, mended" in row["faults"]
    warned = [line for line in err.splitlines() if line.startswith("warning: ")]
    for words in ("lines 130-135: lost, not mended; ", "columns 500-502: dark, mended", "6 lines lost"):
        assert any(f"a_low.tiff: {'both layers, ' if 'not' in words else ''}" in w and words in w for w in warned)
    assert "lines_lost" in out


def test_a_late_rear_layer_is_told_and_stands_in_the_summary(command: Any, scans: Path, tmp_path: Path):
    low, high = read_pair(*(sorted(scans.glob(f"*_{layer}.tiff"))[0] for layer in ("low", "high")))
    write_pair(tmp_path / "raw", "a", low[8:], high[:-8])
    code, _, err = command(prepare, f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}", "label=ore")
    assert code == 0, err
    (row,) = pd.read_csv(tmp_path / "set" / "summary.csv").to_dict("records")
    assert "the high layer lags by 8." in row["notes"]
    assert any(line.startswith("warning: ") and "a_low.tiff: the high layer lags" in line for line in err.splitlines())


@pytest.mark.parametrize("text", ["", "x,y\n1,2\n", "x,y,w,h,grade\n1,2,3,4,rich\n"])
def test_a_bad_table_is_that_scans_failure(command: Any, small: Any, tmp_path: Path, text: str):
    write_pair(tmp_path / "raw", "a", *small)
    (tmp_path / "raw" / "a_truth.csv").write_text(text)
    code, _, err = command(prepare, f"scans={tmp_path / 'raw'}", f"out={tmp_path / 'set'}")
    assert code == 1
    assert "a_truth.csv" in errors(err)[0]
    assert not (tmp_path / "set").exists()
