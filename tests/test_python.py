"""Use from Python: the page's cells run as they stand, and a path is text wherever a page calls."""

import importlib
import inspect
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import oresort
from oresort import belt, runtime, scan
from oresort.errors import InputError

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CELL = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGE = ROOT / "docs" / "python.md"

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec", "ignore:The '.*_dataloader' does not have many workers")


@pytest.fixture
def place(trained: Path, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the page speaks of."""
    shutil.copytree(dataset, tmp_path / "data")
    shutil.copytree(trained, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pages_cells_run_one_after_the_other(place: Path):
    names: dict[str, Any] = {}
    for cell in CELL.findall(PAGE.read_text()):
        exec(compile(cell, str(PAGE), "exec"), names)
    known = pd.read_csv(place / "runs" / "first" / "predictions.csv", dtype={"id": str}).set_index("id")["p_ore"]
    answers = names["answers"].set_index("id")
    np.testing.assert_allclose(answers["p_ore"][known.index], known, atol=1e-6)
    assert names["p_ore"] == pytest.approx(answers["p_ore"][names["pairs"]["id"][:1]], abs=1e-6)
    assert names["decision"][0] == answers["decision"][names["pairs"]["id"][0]]
    assert {key.removeprefix("test/"): value for key, value in names["figures"].items()} == names["result"].metrics
    assert sum(len(batch["index"]) for batch in names["batches"]) == len(names["result"].predictions)
    assert names["row"]["test/auroc"] == pd.read_json(place / "runs/second/metrics.json", typ="series")["test/auroc"]
    assert oresort.load("by_hand.ckpt").threshold == float(names["module"].threshold)
    assert names["batch"]["low"].shape == (len(names["batch"]["label"]), 1, 40, 40)


def test_a_configuration_is_what_the_command_composes():
    cfg = oresort.compose("train", "optim.lr=1e-3", "model/fusion=gmu", "seed=7")
    assert (cfg.optim["lr"], cfg.seed, cfg.model.fusion["_target_"].rpartition(".")[2]) == (1e-3, 7, "GMU")
    assert oresort.compose("pretrain", "data.root=x").data.root == "x"
    assert oresort.compose("classic", "method=r_value").method["_target_"].startswith("oresort.classic.")
    for verb, word, says in (
        ("train", "learning_rate=1", "learning_rate"),
        ("train", "model/fusion=gated", "model/fusion=gated"),
        ("train", "data.batch_size=0", "batch_size"),
        ("sort", "ckpt=x", "known are train, pretrain, classic"),
    ):
        with pytest.raises(InputError, match=says):
            oresort.compose(verb, word)


class Doubled(torch.nn.Module):
    """Of a notebook, and no fusion."""


def test_a_class_of_the_notebook_is_trusted_once_it_is_named():
    word = f"model.fusion._target_={__name__}.Doubled"
    oresort.compose("train", word)
    from oresort.make import find

    assert find(f"{__name__}.Doubled", torch.nn.Module) is Doubled


def called() -> dict[str, Any]:
    """What the pages call of this package, by name: functions and classes that a user meets."""
    found = {f"oresort.{name}": getattr(oresort, name) for name in oresort._FACE}
    for room in (belt, runtime, scan):
        found |= {f"{room.__name__}.{name}": getattr(room, name) for name in room.__all__}
    for page in PAGES:
        text = page.read_text()
        imports = re.findall(r"^ *from (oresort[\w.]*) import (.+)$", "\n".join(CELL.findall(text)), re.MULTILINE)
        names = [f"{module}.{name.strip()}" for module, line in imports for name in line.split(",")]
        for name in [*names, *re.findall(r"`(oresort(?:\.\w+)+)`", text)]:
            module, _, attribute = name.rpartition(".")
            if attribute != attribute.lower() or "." in module:
                thing = getattr(importlib.import_module(module), attribute, None)
                found |= {name: thing} if callable(thing) else {}
    return found


CALLED = called()


@pytest.mark.parametrize("name", CALLED)
def test_a_path_is_text_wherever_a_page_calls(name: str):
    thing = CALLED[name]
    methods = [thing] if inspect.isfunction(thing) else [m for n, m in inspect.getmembers(thing, inspect.isfunction)
                                                          if n == "__init__" or not n.startswith("_")]  # fmt: skip
    for function in methods:
        for parameter in inspect.signature(function).parameters.values():
            kinds = str(parameter.annotation)
            assert "Path" not in kinds or "str" in kinds, f"{function.__qualname__}({parameter})"


def test_many_are_called():
    assert len(CALLED) > 30
    assert "oresort.learn.export.export_model" in CALLED
