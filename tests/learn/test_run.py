"""The identity of a run decides three things alike: its folder, whether it may go on, and its row of a table."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from oresort import paths, train
from oresort.errors import InputError
from oresort.learn import fit
from oresort.learn.config import TrainConfig
from oresort.learn.record import read_row
from oresort.learn.run import (
    check_same,
    counts,
    differing,
    finished,
    folder_name,
    provenance,
    record_failure,
    recorded,
)
from oresort.sorting import METRICS
from oresort.tables.collect import collect
from oresort.tables.summary import summarise

SAME = [
    "out=x", "logger=wandb", "data.cache=c", "data.workers=2", "data.root=elsewhere", "data.strict=true",
    "trainer.enable_progress_bar=true", "trainer.enable_model_summary=true", "trainer.log_every_n_steps=7",
]  # fmt: skip
OTHER = [
    "optim.lr=1e-4",
    "data.limit=9",
    "model/head=mlp",
    "trainer.max_epochs=9",
    "threshold=0.5",
    "name=n",
    "row=r",
]

Compose = Callable[..., TrainConfig]


def config(compose_train: Compose, *words: str) -> dict[str, Any]:
    return asdict(compose_train("data.root=d", "trainer.max_epochs=2", *words, small=False))


def leave(folder: Path, config: dict[str, Any], pairs: str = "p", **figures: float) -> Path:
    with recorded(folder, config, lambda: pairs) as row:
        row |= {"params": 3, "threshold": 0.5, **{f"test/{name}": 0.5 for name in METRIC_NAMES}, **figures}
    return folder


METRIC_NAMES = ["auroc", "f1", "recall", "precision", "accuracy", "balanced_accuracy", "mcc",
                "average_precision", "brier", "ece"]  # fmt: skip


@pytest.mark.parametrize("word", SAME)
def test_what_a_result_does_not_depend_on_changes_nothing(word: str, compose_train: Compose, tmp_path: Path):
    one, other = config(compose_train), config(compose_train, word)
    assert folder_name(one, "p") == folder_name(other, "p")
    check_same(leave(tmp_path / "0", one), other, "p")
    leave(tmp_path / "1", other | {"seed": 1})
    table = summarise(collect(tmp_path), resamples=0).table
    assert table["n"].tolist() == [2]


@pytest.mark.parametrize("word", OTHER)
def test_what_a_result_depends_on_makes_another_run(word: str, compose_train: Compose, tmp_path: Path):
    one, other = config(compose_train), config(compose_train, word)
    assert folder_name(one, "p") != folder_name(other, "p")
    with pytest.raises(InputError, match=r"another configuration .* choose another out=DIR"):
        check_same(leave(tmp_path / "0", one), other, "p")
    leave(tmp_path / "1", other | {"seed": 1})
    # a table asks for the pairs themselves, not for how they were chosen
    expected = [2] if word.startswith("data.limit") else [1, 1]
    assert summarise(collect(tmp_path), resamples=0).table["n"].tolist() == expected


def test_other_pairs_make_another_run(compose_train: Compose, tmp_path: Path):
    one = config(compose_train)
    assert folder_name(one, "p") != folder_name(one, "q")
    leave(tmp_path, one, "names-pixels")
    for here, why in (
        ("names-others", "other images under the same names"),
        ("others-pixels", "the same images, of other classes"),
        ("others-others", "other pairs"),
    ):
        with pytest.raises(InputError, match=rf"of other data \({why}.*restore the data, or choose another out=DIR"):
            check_same(tmp_path, one, here)
    check_same(tmp_path, one, "names-pixels")
    check_same(leave(tmp_path / "old", one, "names"), one)
    with pytest.raises(InputError, match="hashes of an earlier version"):
        check_same(tmp_path / "old", one, "names-pixels")


def test_another_folder_is_refused_before_pairs_are_read(compose_train: Compose, tmp_path: Path):
    def never() -> str:
        raise AssertionError("read")

    leave(tmp_path, config(compose_train))
    other = config(compose_train, "optim.lr=1")
    with pytest.raises(InputError, match=r"another configuration"), recorded(tmp_path, other, never):
        pass


def test_every_key_of_the_configuration_counts_unless_it_is_named(compose_train: Compose):
    def flat(content: dict[str, Any], prefix: str = "") -> list[str]:
        return [
            key
            for name, value in content.items()
            for key in (flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"])
        ]

    idle = {key for key in flat(config(compose_train)) if not counts(key)}
    assert idle == {
        "out", "resume", "modules", "at_once", "weights", "data.root", "data.cache", "data.follow_links",
        "data.workers", "data.strict", "score",
        "trainer.enable_progress_bar", "trainer.enable_model_summary", "trainer.log_every_n_steps",
    }  # fmt: skip
    assert counts("outlook.x")
    assert not counts("logger.wandb.mode")


def test_a_record_says_how_the_run_ended(compose_train: Compose, tmp_path: Path):
    content = config(compose_train)
    with recorded(tmp_path / "a", content, lambda: "p") as row:
        assert read_row(tmp_path / "a" / "metrics.json")["status"] == "running"
        assert finished(tmp_path / "a") is None
        row |= {f"test/{name}": 0.75 for name in METRICS} | {"params": 10, "threshold": 0.5}
    assert finished(tmp_path / "a") == json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert finished(tmp_path / "a")["test/auroc"] == 0.75
    for error, status in ((ValueError("two\nlines"), "failed"), (KeyboardInterrupt(), "interrupted")):
        folder = tmp_path / type(error).__name__
        with pytest.raises(type(error)), recorded(folder, content, lambda: "p"):
            raise error
        row = read_row(folder / "metrics.json")
        assert (row["status"], row["error"]) == (status, " ".join(str(error).split()) or "KeyboardInterrupt")
        assert (folder / "provenance.json").is_file()


def test_a_failure_before_the_start_is_kept_and_spoils_no_result(compose_train: Compose, tmp_path: Path):
    content = config(compose_train)
    for reason in ("no such data", "still none"):
        assert record_failure(tmp_path / "new", content, InputError(reason))["error"] == reason
    leave(tmp_path / "done", content)
    assert record_failure(tmp_path / "done", content, InputError("late"))["status"] == "finished"


def test_a_checkpoint_without_its_configuration_is_not_continued(compose_train: Compose, tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").write_bytes(b"")
    with pytest.raises(InputError, match=r"without its config.yaml"):
        check_same(tmp_path, config(compose_train), "p")


def test_a_failed_start_does_not_hold_its_folder(compose_train: Compose, tmp_path: Path):
    with pytest.raises(InputError), recorded(tmp_path, config(compose_train, "optim.lr=1"), lambda: "p"):
        raise InputError("a typing error")
    check_same(tmp_path, config(compose_train, "optim.lr=2"), "q")
    assert finished(leave(tmp_path, config(compose_train, "optim.lr=2"))) is not None


def test_the_keys_that_differ_name_the_rows(compose_train: Compose):
    rows = [
        {
            "config.seed": seed,
            "config.optim.lr": lr,
            "config.out": f"{seed}",
            "config.model.fusion": "a",
            "x": seed,
        }
        for seed in (0, 1)
        for lr in (1e-3, 1e-4)
    ]
    assert differing(rows) == ["config.optim.lr"]


def test_a_finished_run_is_not_run_again_by_resume(command: Any, trained: Path):
    record = (trained / "metrics.json").read_bytes()
    provenance = (trained / "provenance.json").read_bytes()
    code, out, err = command(train, f"resume={trained}")
    assert code == 0
    assert "finished earlier" in err
    assert f"run folder: {trained}" in out
    assert (trained / "metrics.json").read_bytes() == record
    assert (trained / "provenance.json").read_bytes() == provenance


def test_a_killed_run_goes_on_with_other_workers_and_without_a_bar(
    compose_train: Compose, dataset: Path, tmp_path: Path
):
    words = (f"data.root={dataset}", "trainer.max_epochs=2")
    whole = fit.train(compose_train(*words), tmp_path / "whole")
    cut = tmp_path / "cut"
    fit.train(compose_train(f"data.root={dataset}", "trainer.max_epochs=1"), cut)
    # as a kill after the first epoch of two leaves it
    stored = (cut / "config.yaml").read_text().replace("max_epochs: 1", "max_epochs: 2")
    (cut / "config.yaml").write_text(stored)
    row = read_row(cut / "metrics.json") | {"status": "running"}
    (cut / "metrics.json").write_text(json.dumps(row))
    again = fit.train(compose_train(*words, "data.workers=1", "trainer.enable_progress_bar=true"), cut)
    assert again["epochs"] == 2
    assert again["data"] == whole["data"]


def test_provenance_of_a_source_tree_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch):
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(paths, "version", absent)
    packages = provenance()["packages"]
    assert re.fullmatch(r"\d+\.\d+\.\d+ \(source tree\)", packages["oresort"])
    assert packages["timm"] is None
