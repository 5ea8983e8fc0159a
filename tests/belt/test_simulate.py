"""Simulated datasets and scans: their layout, their truth, and the same bytes for the same seed."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given
from hypothesis import strategies as st

from oresort import simulate
from oresort.belt import simulate_scan, write_pairs, write_scans
from oresort.belt.plan import plan_scans, split_counts
from oresort.console.compose import register
from oresort.data.splits import assign_splits
from oresort.files.image import read_image, read_pair
from oresort.files.layout import SPLITS
from oresort.files.manifest import load_manifest
from oresort.paths import CONF_DIR
from oresort.scan.calibrate.air import air_level


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("made")
    write_pairs(root, 60, seed=3)
    return root


def digest(root: Path) -> str:
    sums = hashlib.sha256()
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        sums.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return sums.hexdigest()


def test_a_dataset_is_what_the_data_room_reads(made: Path):
    frame = load_manifest(made)
    assert len(frame) == 60
    assert frame["label"].mean() == pytest.approx(0.617, abs=0.02)
    assert frame[["grade", "mass", "air"]].notna().all(axis=None)
    split = assign_splits(frame, made, split="given", seed=0, strict=True)  # strict: no scan on two sides
    assert set(split["split"]) == set(SPLITS)
    listed = json.loads((made / "train_val_test.json").read_text())
    assert {side: sorted(ids) for side, ids in listed.items()} == {
        side: sorted(frame.loc[frame["split"] == side, "id"]) for side in SPLITS
    }


def test_crops_fill_their_boxes_and_have_no_background(made: Path):
    for row in load_manifest(made).itertuples():
        low, high = read_pair(made / str(row.low), made / str(row.high))
        assert low.shape == (row.h, row.w)
        mask = low > 0
        assert mask.any(axis=0).all()
        assert mask.any(axis=1).all()
        assert 0.2 < (high > 0).mean() <= 1
        assert np.percentile(low[mask], 95) < row.air


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(made: Path, tmp_path: Path):
    for folder, seed, workers in (("again", 3, 2), ("other", 4, 1)):
        (tmp_path / folder).mkdir()
        write_pairs(tmp_path / folder, 60, seed=seed, workers=workers)
    assert digest(tmp_path / "again") == digest(made)
    assert digest(tmp_path / "other") != digest(made)


def test_whole_scans_are_the_same_for_any_number_of_workers(tmp_path: Path):
    for folder, workers in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        write_scans(tmp_path / folder, scans=2, seed=8, particles=3, workers=workers)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    first, second = (read_image(tmp_path / "one" / f"scan_{k}_low.tiff") for k in (1, 2))
    assert (first != second).any()


def test_a_scan_and_its_truth_agree():
    scan = simulate_scan(5, particles=8)
    assert scan.low.shape == scan.high.shape == scan.labels.shape == (600, 3328)
    assert scan.labels.max() == len(scan.truth) == 8
    assert (scan.low[:, :150] == 65_535).all()  # beside the belt
    air = air_level(scan.low, "simulated")
    assert air == pytest.approx(scan.settings.air[0], rel=0.002)
    dark = scan.low < 0.7 * air
    assert (scan.labels[dark] > 0).mean() > 0.98
    for label, truth in enumerate(scan.truth, start=1):
        here = scan.labels == label
        # heavier is darker: attenuation over the particle goes with its mass
        weight = -np.log(scan.high[here] / scan.settings.air[1]).sum()
        assert weight / truth.mass == pytest.approx(155, rel=0.15)


def test_grade_is_the_copper_of_the_minerals():
    for truth in simulate_scan(6, particles=10).truth:
        copper = {"chalcopyrite": 0.3463, "bornite": 0.6331, "chalcocite": 0.7985, "covellite": 0.6646}
        expected = 100 * sum(truth.minerals[name] * share for name, share in copper.items())
        assert truth.grade == pytest.approx(expected, rel=0.01)
        assert sum(truth.minerals.values()) == pytest.approx(1)
        assert truth.mass > 0


def test_the_command_writes_scans_with_their_truth(command: Any, tmp_path: Path):
    out = tmp_path / "scans"
    code, _, _ = command(simulate, f"out={out}", "scans=1", "particles=5", "seed=2", "workers=1")
    assert code == 0
    truth = pd.read_csv(out / "scan_1_truth.csv")
    labels = read_image(out / "scan_1_labels.tiff")
    for row in truth.itertuples():
        ys, xs = np.nonzero(labels == row.label)
        assert (xs.min(), ys.min()) == (row.x, row.y)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "at least one"),
        (("pairs=-1",), "pairs=-1: give a whole number of at least 0"),
        (("pairs=3",), "at least 12"),
        (("pairs=20", "kvp=90"), "kvp=90"),
        (("pairs=20", "labels=vote"), "labels=vote: known are batch, assay"),
        (("pairs=20", "association=2"), "association=2"),
        (("pairs=20", "background=grey"), "background=grey: known are zero, air"),
        (("pairs=20", "seed=-1"), "seed=-1"),
        (("pairs=many",), "many"),
        (("preset=medium",), "custom, paper, small"),
        (("pairs=20", "colour=red"), "colour"),
        (("pairs=20", "kvp=200"), "kvp=200.0: give a number from 140 to 180"),
        (("scans=1", "particles=0"), "particles=0"),
        (("pairs=20", "kvp=nan"), "kvp=nan: give a finite number"),
        (("pairs=20", "lithologies=[granite]"), "lithologies: 'granite' is unknown"),
        (("pairs=20", "blur=5"), "blur=5"),
        (("pairs=20", "wrong=1.5"), "wrong=1.5"),
        (("pairs=20", "labels=assay", "cutoff=nan"), "cutoff=nan"),
        (("pairs=-4", "scans=5"), "pairs=-4"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(command: Any, tmp_path: Path, words: tuple[str, ...], expected: str):
    code, _, err = command(simulate, f"out={tmp_path / 'x'}", "workers=1", *words)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 1
    assert len(errors) == 1
    assert expected in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_a_full_folder_is_kept_unless_told_otherwise(command: Any, tmp_path: Path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("keep")
    code, _, err = command(simulate, f"out={tmp_path / 'x'}", "pairs=20", "workers=1")
    assert code == 1
    assert "not empty" in err
    assert (tmp_path / "x" / "mine.txt").read_text() == "keep"


def test_the_paper_preset_has_the_papers_six_counts():
    paper = {
        ("train", "ore"): 13_422, ("val", "ore"): 2_876, ("test", "ore"): 2_877,
        ("train", "waste"): 8_317, ("val", "waste"): 1_782, ("test", "waste"): 1_783,
    }  # fmt: skip
    with initialize_config_dir(str(CONF_DIR), version_base="1.3"):
        register("simulate", simulate.SimulateConfig)
        cfg = compose("simulate", overrides=["out=x", "preset=paper"])
    assert cfg.pairs == sum(paper.values()) == 31_057
    assert split_counts(cfg.pairs) == paper
    plan = plan_scans(split_counts(cfg.pairs), True, np.random.default_rng(0))
    planned = Counter()
    for scan in plan:
        planned[scan.split, scan.label] += scan.size
    assert planned == paper
    assert len({scan.number for scan in plan}) == len(plan)  # a scan is in one split only
    splits_of_lot = {lot: {s.split for s in plan if s.batch == lot} for lot in {s.batch for s in plan}}
    assert all(len(splits) == 1 for splits in splits_of_lot.values())


@given(st.integers(12, 5_000))
def test_every_count_is_planned_to_the_last_pair(pairs: int):
    counts = split_counts(pairs)
    assert sum(counts.values()) == pairs
    assert min(counts.values()) >= 1


def test_a_preset_can_be_overridden(command: Any, tmp_path: Path):
    words = [f"out={tmp_path / 'd'}", "preset=small", "pairs=24", "scans=0", "workers=1"]
    assert command(simulate, *words)[0] == 0
    assert len(load_manifest(tmp_path / "d")) == 24


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path):
    # a limit on the size of a file stands for the full disk: both fail in the middle of a write
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        "sys.argv = ['simulate', 'out=out', 'scans=1', 'particles=2', 'workers=1'];"
        "from oresort.simulate import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 1
    assert len(errors) == 1
    assert "free some space" in errors[0]
    assert list(tmp_path.iterdir()) == []
