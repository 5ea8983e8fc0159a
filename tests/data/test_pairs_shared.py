"""Jobs of one process share what they read of a dataset, and notice when it has changed."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from pairs import write_manifest, write_released

from oresort.data import cache, pairs
from oresort.data.datamodule import OreDataModule
from oresort.data.index import index_pairs, index_unlabelled, otherwise
from oresort.data.pairs import pairs_of
from oresort.data.settings import PairsConfig
from oresort.files.image import read_image
from oresort.learn.seen import seen_in

SMALL = {"_target_": "oresort.represent.representation.Attenuation", "size": 16}
OTHER = {**SMALL, "size": 12}


@pytest.fixture(params=["released", "manifest"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    found = write_released(tmp_path / "data", count=24, scans=12)
    return write_manifest(found) if request.param == "manifest" else found


def test_the_next_job_reads_nothing_again(root: Path, monkeypatch: pytest.MonkeyPatch):
    first = OreDataModule(root, SMALL, seed=0)
    planes, told = first.planes, seen_in(first)
    on_device = first.resident_loader("train").planes

    def never(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(cache, "read_counts", never)
    monkeypatch.setattr(cache, "Store", never)
    second = OreDataModule(root, SMALL, seed=1, batch_size=3, resident=True)
    assert second.frame is first.frame
    assert second.planes is planes
    assert second.resident_loader("train").planes is on_device
    assert seen_in(second) == told
    assert second.fingerprint() == first.fingerprint()


def rewritten(file: Path, shift: int = 1) -> None:
    """Write an image anew, its pixels `shift` columns further: as many bytes, other counts."""
    image = read_image(file)
    tifffile.imwrite(file.with_suffix(".part"), np.roll(image, shift, axis=1))
    file.with_suffix(".part").replace(file)


def test_an_image_written_anew_is_noticed_though_its_size_is_the_same(root: Path):
    first = OreDataModule(root, SMALL)
    before, known = np.array(first.planes), first.fingerprint()
    rewritten(root / first.frame["low"].iloc[0])
    after = OreDataModule(root, SMALL)
    assert not np.array_equal(after.planes[0], before[0])
    assert np.array_equal(after.planes[1], before[1])
    assert otherwise(known, after.fingerprint()) == "other images under the same names"


def test_the_same_pixels_in_another_file_are_the_same_data(root: Path):
    known = OreDataModule(root, SMALL).fingerprint()
    frame = OreDataModule(root, SMALL).frame
    for name in frame["low"]:
        rewritten(root / name, shift=0)
    assert OreDataModule(root, SMALL).fingerprint() == known


def test_images_of_other_pixels_and_the_same_time_are_not_taken_for_those_prepared(root: Path, capsys: Any):
    first = OreDataModule(root, SMALL)
    names = [*first.frame["low"], *first.frame["high"]]
    for name in names:  # as of an archive that can be made again: one time for all, sizes of the crops
        rewritten(root / name, shift=0)
        os.utime(root / name, (1, 1))
    before = np.array(OreDataModule(root, SMALL).planes)
    capsys.readouterr()
    for name in names:
        rewritten(root / name)
        os.utime(root / name, (1, 1))
    after = OreDataModule(root, SMALL)
    assert not np.array_equal(after.planes, before)
    assert "with the same size and time of change; built anew" in capsys.readouterr().err
    pairs._last = None
    assert np.array_equal(OreDataModule(root, SMALL).planes, after.planes)
    assert "built anew" not in capsys.readouterr().err


def test_one_pair_of_other_pixels_is_noticed_among_many(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch):
    root = write_released(tmp_path / "data", count=80, scans=12)
    first = OreDataModule(root, SMALL)
    names = [*first.frame["low"], *first.frame["high"]]
    for name in names:
        rewritten(root / name, shift=0)
        os.utime(root / name, (1, 1))
    before = np.array(OreDataModule(root, SMALL).planes)
    one = first.frame.iloc[4]
    for name in (one["low"], one["high"]):
        rewritten(root / name)
        os.utime(root / name, (1, 1))
    capsys.readouterr()
    after = np.array(OreDataModule(root, SMALL).planes)
    assert "with the same size and time of change; built anew" in capsys.readouterr().err
    assert [k for k in range(80) if not np.array_equal(after[k], before[k])] == [4]
    pairs._last = None
    (root / names[0]).chmod(0o640)  # the disk's own time of change, and no other
    assert np.array_equal(OreDataModule(root, SMALL).planes, after)
    assert "built anew" not in capsys.readouterr().err
    # known again, so that the next process reads no image
    pairs._last = None

    def never(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(cache, "read_counts", never)
    assert np.array_equal(OreDataModule(root, SMALL).planes, after)


@pytest.mark.parametrize("column", ["label", "air", "grade", "mass"])
def test_what_the_index_says_of_the_same_images_makes_other_data(tmp_path: Path, column: str):
    root = write_manifest(write_released(tmp_path / "data", count=24, scans=12), grade="0.5", mass="1")
    known = OreDataModule(root, SMALL).fingerprint()
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    others = {"label": "waste", "air": "52000", "grade": "0.6", "mass": "2"}
    row = frame.index[frame["label"] == "ore"][0] if column == "label" else 0
    frame.loc[row, column] = others[column]
    frame.to_csv(root / "manifest.csv", index=False)
    found = OreDataModule(root, SMALL, strict=False)
    assert otherwise(known, found.fingerprint()).startswith("the same images, of other classes")


def test_a_pair_added_is_noticed_in_the_folders_and_not_beside_a_manifest(root: Path):
    first = OreDataModule(root, SMALL)
    count = len(first.planes)
    source = (root / first.frame["low"].iloc[0]).parent
    shutil.copytree(source, source.with_name(source.name.replace("-x", "-x9")))
    expected = count if (root / "manifest.csv").is_file() else count + 1
    assert len(OreDataModule(root, SMALL).frame) == expected


def test_a_manifest_changed_is_noticed(root: Path):
    before = OreDataModule(root, SMALL).fingerprint()
    write_manifest(root)
    frame = OreDataModule(root, SMALL).frame
    kept = frame.iloc[1:].assign(label=frame["label"].map({0: "waste", 1: "ore"}))
    kept[["id", "low", "high", "label", "scan", "air"]].to_csv(root / "manifest.csv", index=False)
    after = OreDataModule(root, SMALL)
    assert len(after.frame) == len(frame) - 1
    assert after.fingerprint() != before


def test_planes_written_over_on_the_disk_are_read_again(root: Path, capsys: pytest.CaptureFixture[str]):
    first = OreDataModule(root, SMALL)
    before = np.array(first.planes)
    (file,) = (root / ".cache").glob("planes-*.npy")
    content = bytearray(file.read_bytes())
    content[-40:] = b"\x01" * 40
    other = file.with_suffix(".part")
    other.write_bytes(content)
    other.replace(file)
    assert np.array_equal(OreDataModule(root, SMALL).planes, before)
    assert "built anew" in capsys.readouterr().err


def test_only_the_last_planes_and_the_last_dataset_are_kept_and_nobody_gets_those_of_another(root: Path):
    first, second = OreDataModule(root, SMALL), OreDataModule(root, OTHER)
    shapes = [module.resident_loader("val").planes.shape[-1] for module in (first, second, first)]
    assert shapes == [16, 12, 16]
    assert {key[0] for key in first.pairs._resident} == {"val"}
    assert len(first.pairs._resident) == 1
    limited = OreDataModule(root, SMALL, limit=12)
    assert limited.pairs is not first.pairs
    assert OreDataModule(root, SMALL).pairs is not first.pairs  # it was let go


def test_pairs_are_others_by_every_setting_that_chooses_them(root: Path):
    plain = PairsConfig(root=str(root))
    changed = [
        PairsConfig(root=str(root), split="seeded"),
        PairsConfig(root=str(root), split_seed=1),
        PairsConfig(root=str(root), strict=True),
        PairsConfig(root=str(root), follow_links=True),
        PairsConfig(root=str(root), limit=12),
        PairsConfig(root=str(root), labelled=12),
        PairsConfig(root=str(root), folds=3, fold=0),
    ]
    chosen = {name for c in changed for name in vars(c) if vars(c)[name] != vars(plain)[name]}
    assert chosen == vars(plain).keys() - {"root", "cutoff"}  # which wants grades
    for settings in changed:
        first = pairs_of(index_pairs, plain)
        assert pairs_of(index_pairs, plain) is first
        assert pairs_of(index_pairs, settings) is not first
    assert pairs_of(index_unlabelled, plain) is not pairs_of(index_pairs, plain)
