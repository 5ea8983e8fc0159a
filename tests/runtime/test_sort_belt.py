"""Folders of scans sorted as one belt, what stands beside the table, and the alarm for scans unlike training."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pairs import write_image

from oresort import sort
from oresort.belt import write_scans
from oresort.files.belt import BeltFiles, gap_in, scans_in_order
from oresort.files.image import read_image
from oresort.files.scans import ScanFiles
from oresort.learn.config import TrainConfig

PARTICLES = 24


@pytest.fixture(scope="module")
def model(compose_train: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folder of four simulated scans, and of a run trained on them."""
    from oresort.console.compose import composed
    from oresort.learn.fit import train
    from oresort.scan.prepare import PrepareConfig, prepare

    folder = tmp_path_factory.mktemp("model")
    (folder / "raw").mkdir()
    write_scans(folder / "raw", scans=4, seed=11, particles=PARTICLES)
    words = (f"scans={folder / 'raw'}", f"out={folder / 'set'}", "overlay=false")
    prepare(composed("prepare", PrepareConfig, *words))
    train(compose_train(f"data.root={folder / 'set'}"), folder / "run")
    return folder / "raw", folder / "run"


def belt_in(folder: Path, raw: Path, ends: list[int]) -> Path:
    """Cut the first two scans, one after the other, into tiles that end at some lines."""
    folder.mkdir()
    for layer in ("low", "high"):
        lines = np.concatenate([read_image(raw / f"scan_{k}_{layer}.tiff") for k in (1, 2)])
        for number, (start, stop) in enumerate(zip([0, *ends], [*ends, len(lines)], strict=True), start=8):
            write_image(folder / f"tile_{number}_{layer}.tiff", lines[start:stop])
    return folder


def table_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "decisions.csv")


def test_tiles_of_a_belt_are_sorted_as_one_scan(command: Any, model: tuple[Path, Path], tmp_path: Path):
    raw, run = model
    whole = belt_in(tmp_path / "whole", raw, [])
    saved = tmp_path / "saved.json"
    own = (f"save_calibration={saved}", "overlay=false")
    code, _, err = command(sort, f"ckpt={run}", f"scans={whole}", f"out={tmp_path / 'a'}", *own)
    assert code == 0, err
    expected = table_of(tmp_path / "a")
    assert len(expected) > 1.5 * PARTICLES
    tall = expected[(expected["h"] > 40) & (expected["y"] > 200)].iloc[0]
    ends = [int(tall["y"] + 20), 700, 1_000]  # the first border goes through a particle
    tiles = belt_in(tmp_path / "tiles", raw, ends)
    words = (f"ckpt={run}", f"calibration={saved}", "pixel=0.4")
    code, _, err = command(sort, *words, f"scans={tiles}", f"out={tmp_path / 'b'}", "overlay=false")
    assert code == 0, err
    found = table_of(tmp_path / "b")
    assert found["scan"].unique().tolist() == ["tile_8", "tile_9", "tile_10", "tile_11"]
    start = found["scan"].map(dict(zip(["tile_8", "tile_9", "tile_10", "tile_11"], [0, *ends], strict=True)))
    assert len(found) == len(expected)
    assert (found["clipped"] == expected["clipped"]).all()
    boxes = found[["x", "y", "w", "h"]].assign(y=found["y"] + start)
    # the first tile knows its own level and noise less well than the whole belt does
    np.testing.assert_allclose(boxes, expected[["x", "y", "w", "h"]], atol=1)
    np.testing.assert_allclose(found["area"], expected["area"], rtol=0.01)
    np.testing.assert_allclose(found["p_ore"], expected["p_ore"], atol=0.01)
    np.testing.assert_allclose(found["area_mm2"], 0.16 * found["area"], atol=0.01)
    assert expected["area_mm2"].isna().all()
    # by themselves, the tile's border cuts it in two
    code, _, err = command(sort, *words, f"scans={tiles}", f"out={tmp_path / 'c'}", "joined=false")
    assert code == 0, err
    apart = table_of(tmp_path / "c")
    assert len(apart) > len(found)
    assert apart["clipped"].sum() > found["clipped"].sum()
    assert sorted(file.name for file in (tmp_path / "c" / "overlays").iterdir()) == [
        "tile_10.png", "tile_11.png", "tile_8.png", "tile_9.png"
    ]  # fmt: skip


def test_what_the_decisions_rest_on_stands_beside_them(command: Any, model: tuple[Path, Path], tmp_path: Path):
    raw, run = model
    scan = f"low={raw / 'scan_3_low.tiff'}", f"high={raw / 'scan_3_high.tiff'}"
    code, out, err = command(sort, f"ckpt={run}", *scan, f"out={tmp_path / 'out'}", "clipped=drop", "overlay=false")
    assert code == 0, err
    assert not (tmp_path / "out" / "overlay.png").exists()
    table = table_of(tmp_path / "out")
    assert set(table["scan"]) == {"scan_3"}
    assert table["id"].tolist() == list(range(1, len(table) + 1))
    np.testing.assert_allclose(table["r"], table["low_mean"] / table["high_mean"], rtol=1e-3)
    known = json.loads((tmp_path / "out" / "decisions.json").read_text())
    ckpt = run / "checkpoints" / "best.ckpt"
    assert known["model"]["sha256"] == hashlib.sha256(ckpt.read_bytes()).hexdigest()
    assert known["settings"]["clipped"] == "drop"
    assert known["ore"] + known["waste"] == known["particles"] == len(table)
    assert known["packages"]["torch"]
    (belt,) = known["belts"]
    assert belt["scans"][0]["lines"] == 600
    assert belt["summary"]["air_low"] > 40_000
    assert belt["summary"]["residual"] > 0
    assert {"noise_low", "r", "p_ore"} <= set(belt["drift"])
    assert "row_offset" in out


def test_a_scan_as_in_training_is_silent_and_one_of_twice_the_noise_is_not(
    command: Any, model: tuple[Path, Path], tmp_path: Path
):
    run = model[1]
    rng = np.random.default_rng(0)
    (tmp_path / "noisy").mkdir()
    write_scans(tmp_path / "noisy", scans=1, seed=12, particles=PARTICLES)
    files = [tmp_path / "noisy" / f"scan_1_{layer}.tiff" for layer in ("low", "high")]
    words = (f"ckpt={run}", f"low={files[0]}", f"high={files[1]}", "overlay=false")
    code, _, err = command(sort, *words, f"out={tmp_path / 'alike'}")
    assert code == 0, err
    assert "in training" not in err
    for file in files:
        counts = read_image(file).astype(np.float64)
        more = counts + 0.045 * np.sqrt(52_350 * counts) * rng.standard_normal(counts.shape)
        beside = counts == 65_535
        write_image(file, np.where(beside, counts, more.clip(1, 65_534)).astype(np.uint16))
    code, _, err = command(sort, *words, f"out={tmp_path / 'noisy'}")
    assert code == 0, err
    assert "noise of the low layer (%, smoothed)" in err
    assert "in training" in err
    assert list(table_of(tmp_path / "noisy").columns) == list(table_of(tmp_path / "alike").columns)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: write_image(folder / "b_3_low.tiff", np.ones((50, 80), np.uint16)), "no b_3_high beside it"),
        (
            lambda folder: [write_image(folder / f"c_{k}.tiff", np.ones((50, 70), np.uint16)) for k in ("low", "high")],
            "70 columns but",
        ),
    ],
)
def test_a_folder_that_is_no_belt_is_refused(
    command: Any, model: tuple[Path, Path], tmp_path: Path, change: Callable[[Path], Any], expected: str
):
    folder = tmp_path / "scans"
    folder.mkdir()
    for k in (1, 2):
        for layer in ("low", "high"):
            write_image(folder / f"b_{k}_{layer}.tiff", np.full((50, 80), 50_000, np.uint16))
    change(folder)
    code, _, err = command(sort, f"ckpt={model[1]}", f"scans={folder}", f"out={tmp_path / 'out'}")
    assert code == 1
    assert expected in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "low, high: missing"),
        (("low=a.tiff",), "low, high: missing"),
        (("scans=DIR", "joined=false", "save_calibration=x.json"), "save_calibration=FILE"),
        (("scans=DIR", "low=x.tiff"), "must hold {scan} once"),
        (("scans=DIR", "faulty=maybe"), "faulty=maybe"),
        (("scans=DIR", "band=2"), "band=2"),
        (("scans=DIR", "pixel=0"), "pixel=0"),
        (("scans=DIR", "threshold=2"), "threshold"),
    ],
)
def test_words_that_make_no_sense_are_refused(
    command: Any, model: tuple[Path, Path], tmp_path: Path, words: tuple[str, ...], expected: str
):
    raw, run = model
    words = tuple(word.replace("DIR", str(raw)) for word in words)
    code, _, err = command(sort, f"ckpt={run}", *words, f"out={tmp_path / 'out'}")
    assert code == 1
    assert expected in err
    assert not (tmp_path / "out").exists()


def test_scans_come_in_the_order_of_their_numbers(tmp_path: Path):
    for name in ("s_10", "s_9", "s_100", "a", "s_09"):
        for layer in ("low", "high"):
            write_image(tmp_path / f"{name}_{layer}.png", np.ones((2, 2), np.uint16))
    names = [scan.name for scan in scans_in_order(tmp_path, "{scan}_low", "{scan}_high")]
    assert names == ["a", "s_09", "s_9", "s_10", "s_100"]


@pytest.mark.parametrize(
    ("names", "gap"),
    [
        (["s_1", "s_2", "s_3"], ""),
        (["s_1", "s_2", "s_4"], "s_2 and s_4"),
        (["t0", "t600", "t1200", "t2400"], "t1200 and t2400"),
        (["a", "b"], ""),
        (["s_7"], ""),
        (["s_1", "s_2"], ""),
        (["s_1", "s_3"], "s_1 and s_3"),  # two are not evenly spaced, whatever lies between them
        (["t0", "t600"], ""),  # named by their lines
        (["t0", "t1200"], "t0 and t1200"),
        (["s_1", "s_3", "s_5"], ""),
    ],
)
def test_a_gap_in_the_numbers_is_named(names: list[str], gap: str):
    scans = tuple(ScanFiles(name, Path(), Path(), "", "") for name in names)
    assert gap_in(BeltFiles(scans, (600,) * len(scans))) == gap


def test_faults_are_named_in_output_and_table(command: Any, model: tuple[Path, Path], tmp_path: Path):
    raw, run = model
    for layer in ("low", "high"):
        lines = read_image(raw / f"scan_1_{layer}.tiff").copy()
        lines[300:330, 181:2_810] = 0
        if layer == "low":
            lines[:, 1_000:1_128] = 0
        write_image(tmp_path / f"scan_1_{layer}.tiff", lines)
    words = (f"ckpt={run}", f"scans={tmp_path}", f"out={tmp_path / 'out'}")
    code, out, err = command(sort, *words, "faulty=drop")
    assert code == 0, err
    rows = out.splitlines()
    assert any("1000-1127" in line and "all" in line and "no: particles" in line for line in rows)
    assert any("300-3" in line and "no: particles" in line for line in rows)
    table = table_of(tmp_path / "out")
    faulty = table[table["faulty"] == 1]
    assert len(faulty) > 0
    assert (faulty["decision"] == "waste").all()
    assert (faulty["reason"] == "policy:faulty").all()
    assert f"{len(faulty)} of {len(table)} particles touch what the scan does not show" in err
    assert "dropped (faulty=drop)" in err
    (belt,) = json.loads((tmp_path / "out" / "decisions.json").read_text())["belts"]
    assert belt["summary"]["lines_lost"] == 30
    assert {"scan": "", "layer": "low", "mended": False, "lines": None, "columns": [1_000, 1_127]}.items() <= next(
        fault for fault in belt["faults"] if fault["columns"]
    ).items()
    code, _, _ = command(sort, *words)
    assert code == 0
    assert (table_of(tmp_path / "out").query("faulty == 1")["decision"] == "ore").all()


def test_a_belt_that_begins_bare_takes_its_registration_from_a_later_scan(
    command: Any, model: tuple[Path, Path], tmp_path: Path
):
    raw, run = model
    rng = np.random.default_rng(0)
    for layer in ("low", "high"):
        lines = read_image(raw / f"scan_2_{layer}.tiff").astype(np.float64)
        bare = (52_350 * (1 + 0.03 * rng.standard_normal(lines.shape))).clip(1, 65_534)
        for number, image in enumerate((bare, lines, 0.95 * lines), start=1):
            whole = np.where(lines == 65_535, 65_535, image).astype(np.uint16)
            write_image(tmp_path / f"b_{number}_{layer}.tiff", whole)
    words = (f"ckpt={run}", f"out={tmp_path / 'out'}", "overlay=false")
    code, out, err = command(sort, *words, f"scans={tmp_path}")
    assert code == 0, err
    assert "1.0077" in out
    table = table_of(tmp_path / "out")
    assert (table.loc[table["scan"] == "b_1", "y"] > 590).all()  # but for the rim of what begins in b_2
    same = [table[table["scan"] == name] for name in ("b_2", "b_3")]
    assert min(map(len, same)) > 0.9 * PARTICLES
    assert re.search(r"b_3: air of the low layer is 0\.9[45] of that of b_1", err)
    code, _, err = command(sort, *words, *(f"{layer}={tmp_path / f'b_1_{layer}.tiff'}" for layer in ("low", "high")))
    assert code == 1
    assert "particles to register the layers by" in err


def test_exchanged_layers_of_one_tile_among_many_are_named(command: Any, model: tuple[Path, Path], tmp_path: Path):
    raw, run = model
    for number in range(1, 8):
        layers = ("high", "low") if number == 4 else ("low", "high")  # the fourth is not one of those measured whole
        for layer, source in zip(("low", "high"), layers, strict=True):
            lines = read_image(raw / f"scan_{1 + number % 2}_{source}.tiff")[:300]
            write_image(tmp_path / f"b_{number}_{layer}.tiff", lines)
    code, _, err = command(sort, f"ckpt={run}", f"scans={tmp_path}", f"out={tmp_path / 'out'}", "overlay=false")
    assert code == 0, err
    table = table_of(tmp_path / "out")
    inside = table[(table["y"] > 20) & (table["y"] + table["h"] < 280)]
    faulty = inside.groupby("scan")["faulty"].mean()
    assert faulty["b_4"] == 1
    assert (faulty.drop("b_4") < 0.2).all()
    assert re.search(r"b_4: \d+ of \d+ particles are faulty; see whether its layers belong together", err)
