"""The study of how hard simulated datasets are: runs what is missing, tabulates what it read, goes on."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from oresort.errors import InputError
from oresort.paths import CONF_DIR
from oresort.sorting import METRICS
from studies import command, difficulty

AUROC = {"batch": 0.9, "assay": 0.6}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that the study asks for; each leaves a result that its words decide."""
    commands: list[tuple[str, ...]] = []

    def run(verb: str, *words: str) -> None:
        commands.append((verb, *words))
        given = dict(word.split("=", 1) for word in words)
        out = Path(given["out"])
        out.mkdir(parents=True)
        if verb != "simulate":
            labels, seed = Path(given["data.root"]).name.split("_")
            value = AUROC[labels] + int(seed) / 100
            row = {"status": "finished", "name": labels, "seed": int(seed), "params": 1, "threshold": 0.5}
            row |= {f"{side}/{name}": 0.5 for side in ("val", "test") for name in METRICS}
            row |= {"val/auroc": value - 0.1, "test/auroc": value}
            (out / "metrics.json").write_text(json.dumps(row))

    monkeypatch.setattr(command, "oresort", run)
    return commands


def options(tmp_path: Path, **changes: Any) -> difficulty.Options:
    return difficulty.Options(work=tmp_path / "work", out=tmp_path / "out", seeds=[3, 5], **changes)


def test_each_method_sees_each_dataset_once(asked: list[tuple[str, ...]], tmp_path: Path):
    difficulty.measure(options(tmp_path, methods=["R value"]))
    some = list(difficulty.METHODS)[:2] + list(difficulty.METHODS)[-2:]  # rules and networks
    means = difficulty.measure(options(tmp_path, methods=some, epochs=2))
    table = pd.read_csv(tmp_path / "out" / "difficulty.csv")
    assert table.method.tolist() == [name for name in some for _ in range(4)]
    assert [c[0] for c in asked].count("simulate") == 4
    assert len(asked) == 4 + len(table)
    assert all(("trainer.max_epochs=2" in words) == (words[0] == "train") for words in asked)
    assert table[table.labels == "batch"].test.tolist()[:2] == pytest.approx([93, 95])
    mean = pd.read_csv(tmp_path / "out" / "difficulty_mean.csv").set_index("method")
    assert mean.loc["R value"].tolist() == pytest.approx([94, 64, 1.41, 1.41, 2])
    # everything is there: nothing is asked for again
    pd.testing.assert_frame_equal(difficulty.measure(options(tmp_path, methods=some, collect=True)), means)
    assert len(asked) == 4 + len(table)


def test_an_interrupted_run_is_done_again(asked: list[tuple[str, ...]], tmp_path: Path):
    (tmp_path / "work" / "runs" / "batch_3_0").mkdir(parents=True)
    assert difficulty.measure(options(tmp_path, methods=["R value"])).datasets.tolist() == [2]


def test_the_marks_lie_where_the_table_says(asked: list[tuple[str, ...]], tmp_path: Path):
    difficulty.measure(options(tmp_path, methods=["R value", "two thresholds"]))
    figure = difficulty.draw(pd.read_csv(tmp_path / "out" / "difficulty.csv"))
    batch = figure.axes[0].lines[0]
    assert batch.get_xdata() == pytest.approx([93, 95, 93, 95])
    assert list(batch.get_ydata()) == [0, 0, 1, 1]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["R value", "two thresholds"]


@pytest.mark.parametrize("name", difficulty.METHODS)
def test_the_words_of_a_method_are_known(name: str, compose_train: Callable[..., Any]):
    verb, *words = difficulty.METHODS[name]
    if verb == "train":
        assert compose_train(*words, small=False).trainer["precision"] == "bf16-mixed"
    else:
        method = yaml.safe_load((CONF_DIR / "method" / f"{words[0].split('=')[1]}.yaml").read_text())
        assert {word.split(".")[1].split("=")[0] for word in words[1:]} <= method.keys()


def test_a_rule_on_a_real_dataset(command: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def here(verb: str, *words: str) -> None:
        name = "oresort.classic.__main__" if verb == "classic" else f"oresort.{verb}"
        code, _, err = command(importlib.import_module(name), *words)
        assert code == 0, err

    monkeypatch.setattr(difficulty.command, "oresort", here)
    difficulty.measure(options(tmp_path, pairs=60, methods=["R value"]))
    table = pd.read_csv(tmp_path / "out" / "difficulty.csv")
    found = json.loads((tmp_path / "work" / "runs" / "batch_3_0" / "metrics.json").read_text())
    assert table.test[0] == pytest.approx(100 * found["test/auroc"], abs=0.006)


def test_nothing_to_collect_and_a_name_that_is_none(tmp_path: Path):
    with pytest.raises(InputError, match="no finished run to collect"):
        difficulty.measure(options(tmp_path, collect=True))
    with pytest.raises(InputError, match="methods: unknown 'SVN'"):
        difficulty.measure(options(tmp_path, methods=["SVN"]))
    assert not (tmp_path / "out").exists()
