import warnings
from pathlib import Path

import numpy as np
import pytest
from drawn_scans import Scans, frame_of, scans_of_both
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import write_released, write_splits

from oresort.data.leaks import DatasetWarning
from oresort.data.splits import assign_splits, grouped_split
from oresort.errors import InputError
from oresort.files.layout import SPLITS
from oresort.files.manifest import load_manifest


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=40).filter(
        lambda scans: sum(map(sum, scans)) > 0
    ),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_a_drawn_split_never_parts_a_scan_and_repeats(scans: Scans, seed: int):
    frame = frame_of(scans)
    sides = grouped_split(frame, seed)
    assert frame.assign(split=sides).groupby("scan")["split"].nunique().max() == 1
    assert sides == grouped_split(frame, seed)


@given(scans_of_both(3, 50), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_every_side_gets_both_classes_if_each_has_three_scans(scans: Scans, seed: int):
    frame = frame_of(scans)
    found = frame.assign(split=grouped_split(frame, seed)).groupby("split")["label"].nunique()
    assert found.to_dict() == dict.fromkeys(SPLITS, 2)


def test_a_drawn_split_is_near_its_shares():
    rng = np.random.default_rng(0)
    frame = frame_of([(int(n), 0) if i % 3 else (0, int(n)) for i, n in enumerate(rng.integers(5, 40, 90))])
    for _, part in frame.assign(split=grouped_split(frame, 1)).groupby("label"):
        shares = part["split"].value_counts(normalize=True)
        assert shares[list(SPLITS)].to_numpy() == pytest.approx([0.70, 0.15, 0.15], abs=0.02)


def test_seeds_draw_different_splits():
    frame = frame_of([(5, 5)] * 30)
    assert grouped_split(frame, 0) != grouped_split(frame, 1)


@pytest.mark.parametrize("spelling", ["{}", "D:\\data\\{}", "/home/someone/set/{}/", "set\\{}"])
def test_split_file_entries_match_by_their_last_two_parts(tmp_path: Path, spelling: str):
    frame = load_manifest(write_released(tmp_path))
    wanted = grouped_split(frame, 0)
    sides: dict[str, list[str]] = {side: [] for side in SPLITS}
    for pair, side in zip(frame["id"], wanted, strict=True):
        text = spelling.format(pair)
        sides[side].append(text.replace("/", "\\") if "\\" in spelling else text)
    write_splits(tmp_path, sides)
    assert assign_splits(frame, tmp_path, split="given", seed=99, strict=True)["split"].tolist() == wanted


def test_a_scan_on_two_sides_is_leakage(tmp_path: Path):
    frame = load_manifest(write_released(tmp_path))
    sides = [SPLITS[i % 3] for i in range(len(frame))]
    frame["split"] = sides
    with pytest.warns(DatasetWarning, match="scans .* several sides"):
        assign_splits(frame, tmp_path, split="given", seed=0, strict=False)
    with pytest.raises(InputError, match="leakage"):
        assign_splits(frame, tmp_path, split="given", seed=0, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = assign_splits(frame, tmp_path, split="seeded", seed=0, strict=True)
    assert drawn["split"].tolist() != sides


def test_pairs_and_entries_without_a_partner_are_told(tmp_path: Path):
    frame = load_manifest(write_released(tmp_path))
    ids = frame.assign(split=grouped_split(frame, 0)).groupby("split")["id"].apply(list).to_dict()
    dropped = ids["train"].pop()
    write_splits(tmp_path, ids)
    with pytest.warns(UserWarning, match="1 pairs that no split names"):
        kept = assign_splits(frame, tmp_path, split="given", seed=0, strict=False)
    assert dropped not in set(kept["id"])
    assert len(kept) == len(frame) - 1
    write_splits(tmp_path, {**ids, "train": [*ids["train"], dropped, "ore_1/9-x1-y1-w1-h1"]})
    with pytest.raises(InputError, match="1 entries without a pair"):
        assign_splits(frame, tmp_path, split="given", seed=0, strict=True)


@pytest.mark.parametrize("content", ["{", "[]", '{"train": []}', '{"train": 3, "val": [], "test": []}'])
def test_a_broken_split_file_is_refused(tmp_path: Path, content: str):
    frame = load_manifest(write_released(tmp_path))
    (tmp_path / "train_val_test.json").write_text(content)
    with pytest.raises(InputError, match=r"train_val_test\.json"):
        assign_splits(frame, tmp_path, split="given", seed=0, strict=False)


def test_an_entry_on_two_sides_is_refused(tmp_path: Path):
    frame = load_manifest(write_released(tmp_path))
    ids = list(frame["id"])
    write_splits(tmp_path, {"train": ids, "val": ids[:1]})
    with pytest.raises(InputError, match="both train and val"):
        assign_splits(frame, tmp_path, split="given", seed=0, strict=False)


@pytest.mark.parametrize(
    ("scans", "words"), [([(0, 9)] * 9, "no waste"), ([(9, 9)], "empty"), ([(5, 0), (0, 5)], "has no|empty")]
)
def test_sides_without_a_class_are_refused(tmp_path: Path, scans: Scans, words: str):
    frame = frame_of(scans).assign(split="", id="", low="")
    with pytest.raises(InputError, match=words):
        assign_splits(frame, tmp_path, split="given", seed=0, strict=False)


def test_unknown_choice(tmp_path: Path):
    with pytest.raises(InputError, match="given, seeded"):
        assign_splits(frame_of([(1, 1)]), tmp_path, split="random", seed=0, strict=False)
