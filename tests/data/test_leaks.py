"""The same image on two sides of a split, and one scan under two names."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pairs import SMALL, write_image, write_manifest, write_released

from oresort import train
from oresort.classic import __main__ as classic
from oresort.data.datamodule import OreDataModule
from oresort.data.leaks import DatasetWarning, one_name, pixel_hashes
from oresort.data.splits import grouped_split
from oresort.errors import InputError
from oresort.files.image import read_image


def copied(root: Path, layers: tuple[str, ...]) -> tuple[Path, str, str]:
    """A dataset with a split by scan in which one pair's layers are those of a pair of another side."""
    root = write_manifest(write_released(root))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    frame["split"] = grouped_split(frame.assign(label=(frame["label"] == "ore").astype(int)), 0)
    frame.to_csv(root / "manifest.csv", index=False)
    one, other = (frame[frame["split"] == side].iloc[0] for side in ("train", "test"))
    for layer in ("low", "high"):
        # another container, the same pixels
        image = read_image(root / (one if layer in layers else other)[layer])
        image = image if len(layers) == 2 or layer in layers else np.resize(image, read_image(root / one["low"]).shape)
        write_image(root / f"{layer}.png", image)
        frame.loc[frame["id"] == other["id"], [layer, "w", "h"]] = f"{layer}.png", "", ""
    frame.to_csv(root / "manifest.csv", index=False)
    return root, one["id"], other["id"]


@pytest.mark.parametrize("layers", [("low", "high"), ("low",), ("high",)])
def test_an_image_on_two_sides_is_found_whenever_the_pairs_are_read(tmp_path: Path, layers: tuple[str, ...]):
    root, one, other = copied(tmp_path / "set", layers)
    count = len(layers)
    for _ in range(2):  # made, and found in the cache
        data = OreDataModule(root)
        with pytest.warns(DatasetWarning, match=rf"leakage: {count} images .*{one} in train and {other} in test"):
            data.setup()
        assert data.leakage() == {"leaking_scans": 0, "leaking_images": count}
    with pytest.raises(InputError, match=f"leakage: {count} images"):
        OreDataModule(root, strict=True).setup()
    shutil.rmtree(root / ".cache")
    with pytest.raises(InputError, match=f"leakage: {count} images"):
        OreDataModule(root, strict=True).setup()


@pytest.mark.filterwarnings("error::oresort.data.leaks.DatasetWarning")
def test_copies_on_one_side_and_other_pairs_are_none(dataset: Path):
    data = OreDataModule(dataset, strict=True)
    data.setup()
    assert data.leakage() == {"leaking_scans": 0, "leaking_images": 0}


@pytest.mark.filterwarnings("default::oresort.data.leaks.DatasetWarning")
@pytest.mark.parametrize("verb", [train, classic])
def test_the_finding_stands_in_the_record_of_the_run(command: Any, tmp_path: Path, verb: Any):
    root, *_ = copied(tmp_path / "set", ("low", "high"))
    words = SMALL if verb is train else ()
    code, _, err = command(verb, f"data.root={root}", f"out={tmp_path / 'run'}", *words)
    assert code == 0, err
    assert "warning: " in err
    assert "2 images stand on several sides" in err
    row = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert (row["leaking_scans"], row["leaking_images"]) == (0, 2)


def test_one_scan_under_two_names_is_one_scan():
    names = ["38", "038", " 38", "Scan 7", "scan  07", "scan_7", "0", "00", "\uff13\uff18", "1 1", "11"]
    assert one_name(pd.Series(names)).tolist() == [" 38"] * 3 + ["Scan 7"] * 2 + [
        "scan_7",
        "0",
        "0",
        " 38",
        "1 1",
        "11",
    ]


@given(st.lists(st.integers(0, 99).map(str), min_size=1, max_size=20))
def test_plain_numbers_keep_their_names(names: list[str]):
    assert one_name(pd.Series(names)).tolist() == names


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**16 - 1))
def test_hashes_tell_pixels_and_sizes_apart(height: int, width: int, value: int):
    image = np.zeros((height, width), np.uint16)
    other = image.copy()
    other[height // 2, width // 2] = value
    low, high = pixel_hashes(image, other)
    assert (low == high) == (value == 0)
    assert pixel_hashes(other, image) == (high, low)
    if height != width:
        assert pixel_hashes(image.T, image)[0] != low
