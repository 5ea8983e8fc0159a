"""Names on disk: what is written is what is read."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oresort.files.image import read_image, read_pair, write_pair, write_tiff
from oresort.files.layout import MANIFEST_COLUMNS, REQUIRED, index_released, pair_row, write_index

NUMBER = st.integers(0, 10**6)
NAME = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,11}", fullmatch=True)  # a dot in front hides a folder


@given(st.sampled_from(["ore", "waste"]), NAME, NAME, st.tuples(NUMBER, NUMBER, NUMBER, NUMBER))
def test_a_pairs_folder_reads_back_as_it_was_named(tmp_path_factory, label, batch, scan, box):
    root = tmp_path_factory.mktemp("set")
    row = pair_row(label, batch, scan, box)
    write_pair(root / row["id"], *np.ones((2, 3, 4), np.uint16))
    (read,) = index_released(root).to_dict("records")
    assert read == {key: str(value) for key, value in row.items()}
    assert set(row) <= set(MANIFEST_COLUMNS)
    assert set(REQUIRED) <= set(row)


def test_splits_are_written_only_where_they_are_known(tmp_path: Path):
    frame = pd.DataFrame({"id": ["a", "b"], "split": ["train", "test"]})
    write_index(tmp_path, frame.assign(split=""))
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.csv"]
    write_index(tmp_path, frame.iloc[:0])
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.csv"]
    write_index(tmp_path, frame)
    text = (tmp_path / "train_val_test.json").read_text()
    assert text == '{\n "train": [\n  "a"\n ],\n "val": [],\n "test": [\n  "b"\n ]\n}\n'


@pytest.mark.parametrize("packed", [False, True])
def test_counts_survive_their_file(tmp_path: Path, packed: bool):
    low, high = np.random.default_rng(0).integers(0, 65_536, (2, 300, 40), dtype=np.uint16)
    write_pair(tmp_path / "a", low, high)
    for written, read in zip((low, high), read_pair(*sorted((tmp_path / "a").iterdir())[::-1]), strict=True):
        np.testing.assert_array_equal(read, written)
    write_tiff(tmp_path / "b.tiff", low, packed)
    np.testing.assert_array_equal(read_image(tmp_path / "b.tiff"), low)
