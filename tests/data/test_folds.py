"""Folds of whole scans: each pair tested once, alike in classes, the same whoever asks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_scans import Scans, frame_of, scans_of_both
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pairs import write_released, write_splits

from oresort.data.folds import draw_folds, sides_of
from oresort.data.index import fingerprint, index_pairs, index_unlabelled
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.files.layout import SPLITS
from oresort.files.manifest import load_manifest


def folds_of(root: Path, count: int, **more: object) -> list[pd.DataFrame]:
    return [index_pairs(PairsConfig(root=str(root), folds=count, fold=k, **more)) for k in range(count)]  # type: ignore[arg-type]


@given(scans_of_both(4, 20), st.integers(2, 4), st.integers(0, 1000))
@example([(1, 1)] * 5 + [(3, 6)], 2, 0)  # one scan as large as all others: a fold of its own, beside which none is left
@settings(max_examples=40, deadline=None)
def test_each_pair_is_tested_once_and_no_scan_stands_on_two_sides(scans: Scans, folds: int, seed: int):
    frame = draw_folds(frame_of(scans), folds, seed)
    sides = [sides_of(frame, folds, fold, seed) for fold in range(folds)]
    tested = pd.concat([part.loc[part["split"] == "test", "id"] for part in sides])
    assert sorted(tested) == sorted(frame["id"])
    for part in sides:
        assert part["id"].tolist() == frame["id"].tolist()  # one order, so that prepared pairs are shared
        assert part.groupby("scan")["split"].nunique().max() == 1
        assert part.groupby("split")["label"].nunique().to_dict() == dict.fromkeys(SPLITS, 2)


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_folds_depend_on_the_seed_alone_and_not_on_the_order_of_rows(seed: int, shuffle: int):
    frame = frame_of([(3, 9), (8, 2), (4, 4), (1, 7), (9, 9), (2, 2), (6, 1)])
    mixed = frame.sample(frac=1, random_state=shuffle)
    first, second = (draw_folds(one, 3, seed).set_index("id")["split"] for one in (frame, mixed))
    assert first.sort_index().equals(second.sort_index())


def test_folds_are_alike_in_size_and_classes():
    rng = np.random.default_rng(0)
    frame = frame_of([(int(n), 0) if i % 3 else (0, int(n)) for i, n in enumerate(rng.integers(5, 40, 90))])
    drawn = draw_folds(frame, 5, 1)
    for _, part in drawn.groupby("label"):
        assert part["split"].value_counts(normalize=True).to_numpy() == pytest.approx([0.2] * 5, abs=0.02)
    shares = sides_of(drawn, 5, 2, 1)["split"].value_counts(normalize=True)
    assert shares[list(SPLITS)].to_numpy() == pytest.approx([0.8 * 70 / 85, 0.8 * 15 / 85, 0.2], abs=0.02)
    assert not draw_folds(frame, 5, 2)["split"].equals(drawn["split"])


def test_a_given_split_has_no_say_in_folds(tmp_path: Path):
    root = write_released(tmp_path)
    plain = folds_of(root, 3)
    ids = load_manifest(root)["id"].tolist()
    write_splits(root, {"train": ids[:20], "val": ids[20:24], "test": ids[24:30]})  # which leaves pairs out
    for before, after in zip(plain, folds_of(root, 3, strict=True), strict=True):
        pd.testing.assert_frame_equal(before, after)


def test_a_limit_takes_the_same_pairs_in_every_fold(dataset: Path):
    whole, few = folds_of(dataset, 3), folds_of(dataset, 3, limit=30)
    tested = pd.concat([part[part["split"] == "test"] for part in few])
    assert 12 <= len(tested) < 48
    for all_of, part in zip(whole, few, strict=True):
        assert part["id"].tolist() == few[0]["id"].tolist()
        assert set(tested["id"]) == set(part["id"])
        # and a fold of few pairs is a part of that of all
        own = [set(one.loc[one["split"] == "test", "id"]) for one in (part, all_of)]
        assert own[0] < own[1]
    images = np.zeros((48, 2), np.uint64)
    hashes = {fingerprint(part, None, images, sides=False) for part in few}
    assert len(hashes) == 1
    assert hashes != {fingerprint(whole[0], None, images, sides=False)}
    assert len({fingerprint(part, None, images) for part in few}) == 3


def test_pretraining_tests_the_same_scans(dataset: Path):
    chosen = PairsConfig(root=str(dataset), folds=3, fold=1)
    labelled, plain = index_pairs(chosen), index_unlabelled(chosen)
    assert labelled.set_index("id")["split"].equals(plain.set_index("id")["split"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"fold": 1}, r"data.fold=1: of how many\? say data.folds=5"),
        ({"folds": 3}, r"data.folds=3: which is tested\? say data.fold=0, or -m data.fold=0,1,2"),
        ({"folds": 3, "fold": 3}, "data.fold=3: there are 3, counted from 0"),
        ({"folds": 3, "fold": 0, "split": "seeded"}, "data.split=seeded: folds stand in place of a split"),
        ({"folds": 3, "fold": 0, "labelled": 9}, "data.labelled: folds are of all pairs"),
        ({"folds": 13, "fold": 0}, "data.folds=13: more than the 12 scans"),
        ({"folds": 5, "fold": 0}, "data.folds=5: only 4 scans hold waste"),
    ],
)
def test_contradictions_are_refused(dataset: Path, words: dict[str, int], told: str):
    for index in (index_pairs, index_unlabelled):
        if "hold waste" in told and index is index_unlabelled:
            continue  # which needs no classes
        with pytest.raises(InputError, match=told):
            index(PairsConfig(root=str(dataset), **words))  # type: ignore[arg-type]


def test_two_folds_that_cannot_both_be_tested_are_refused_before_one_is():
    with pytest.raises(InputError, match=r"data.folds=2: only 3 scans hold ore.*needs 2.*data.folds=3"):
        draw_folds(frame_of([(4, 1), (4, 1), (4, 0), (4, 0), (4, 4)]), 2, 0)


def test_a_side_without_a_class_is_refused():
    frame = frame_of([(4, 0), (0, 4), (4, 0), (0, 4)]).assign(split=["0"] * 8 + ["1"] * 8)
    with pytest.raises(InputError, match=r"data.folds=2 data.fold=0: split (train|val) (has no|is empty)"):
        sides_of(frame, 2, 0, 0)
