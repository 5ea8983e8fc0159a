"""A run's record is read as it was written, or refused in one line that names file and key."""

import json
from pathlib import Path
from typing import Any

import pytest

from oresort.errors import InputError
from oresort.learn.record import PREDICTIONS, read_epochs, read_predictions, read_row
from oresort.sorting import METRICS

ROW = {
    "status": "finished", "name": "train", "seed": 1, "params": 10, "threshold": 0.5, "pairs/test": 2,
    **{f"test/{name}": 0.75 for name in METRICS}, "test/mcc": -0.5, "test/precision": None, "config.optim.lr": 0.1,
}  # fmt: skip
TABLE = "id,scan,split,label,p_ore\na,1,val,ore,0.5\nb,2,test,ore,0.25\nc,3,test,waste,1\n"


def refused(call: Any, *words: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words), text


def test_a_record_and_its_predictions_are_read(tmp_path: Path):
    (tmp_path / "metrics.json").write_text("\ufeff" + json.dumps(ROW), encoding="utf-8")
    (tmp_path / "predictions.csv").write_text(TABLE)
    row = read_row(tmp_path / "metrics.json")
    assert row == ROW
    table = read_predictions(tmp_path / PREDICTIONS, row, "test")
    assert table.to_dict("list") == {
        "id": ["b", "c"],
        "scan": ["2", "3"],
        "label": ["ore", "waste"],
        "p_ore": [0.25, 1],
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("threshold", None), ("threshold", 7), ("threshold", True), ("threshold", "0.5"),
        ("params", "many"), ("test/auroc", "high"), ("test/auroc", 1.5), ("test/auroc", [0.5]), ("test/mcc", -2),
        ("seed", 1.5), ("seed", True), ("status", "done"), ("name", 3), ("pairs/test", -2), ("leaking_images", "no"),
        ("config.row", 3), ("config.x", {"y": 1}), ("fit_seconds", "long"),
        ("config.stretches", "[3, 2]"), ("config.stretches", "[0]"), ("config.stretches", "3, 4"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_named(tmp_path: Path, key: str, value: Any):
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps(ROW | {key: value}))
    refused(lambda: read_row(file), str(file), key)


@pytest.mark.parametrize("key", ["threshold", "params", "seed", "status", "name", "test/auroc"])
def test_a_value_that_is_missing_is_named(tmp_path: Path, key: str):
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps({name: value for name, value in ROW.items() if name != key}))
    refused(lambda: read_row(file), str(file), key)


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "null", '"x"', "{", '{"status": NaN}', '{"status": 1e999}', "[" * 100_000,
        '{"a":' * 500 + "1" + "}" * 500,
        '{"status": ' + "9" * 5000 + "}", '{"status": "\\u0000"}', '{"status": "\\ud800"}', "\0", "\udcff",
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_no_record_is_refused(tmp_path: Path, content: str):
    file = tmp_path / "metrics.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    refused(lambda: read_row(file), str(file))


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("0.25", "x", "p_ore"), ("0.25", "", "p_ore"), ("0.25", "nan", "p_ore"), ("0.25", "1.5", "p_ore"),
        ("c,3,test,waste,1\n", "", "1 rows of test"), ("c,3,test,waste,1\n", "c,3,te", "line 4"),
        ("c,3", "b,2", "stands there twice"), ("waste", "gravel", "gravel"), ("test,waste", "exam,waste", "exam"),
        ("p_ore", "p", "p_ore"), ("scan", "id", "twice"), ("c,3", "c,\0", "NUL"), ("c,3", '"c,3', "CSV"),
    ],
)  # fmt: skip
def test_predictions_that_cannot_be_are_refused(tmp_path: Path, old: str, new: str, word: str):
    (tmp_path / "predictions.csv").write_text(TABLE.replace(old, new))
    refused(lambda: read_predictions(tmp_path / PREDICTIONS, ROW, "test"), "predictions.csv", word)


def test_the_figures_of_epochs_are_read_or_refused(tmp_path: Path):
    file = tmp_path / "metrics.csv"
    file.write_text("epoch,lr,val/auroc\n0,0.1,\n1,0.2,0.5\n")
    assert read_epochs(file) == {0: {"epoch": 0, "lr": 0.1}, 1: {"epoch": 1, "lr": 0.2, "val/auroc": 0.5}}
    for content in ("", "lr\n1\n", "epoch\nx\n", "epoch\n0\n0\n", "epoch\n1.5\n", "epoch\ninf\n", "epoch,lr\n0\n"):
        file.write_text(content)
        refused(lambda: read_epochs(file), str(file), "remove it")
