"""Run from its source tree, without being installed: every record is made, and says so."""

import ast
import importlib.metadata
import json
from pathlib import Path
from typing import Any

import pytest

import oresort
from oresort import evaluate, export, pretrain, report, simulate, sort, train
from oresort.classic import __main__ as classic

SRC = Path(oresort.__file__).parent
MARKED = f"{oresort.__version__} (source tree)"
TINY = ("recipe=lite", "trainer.enable_progress_bar=false", "trainer.max_epochs=1", "callbacks=[]")


@pytest.fixture
def uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.Distribution.from_name

    def from_name(name: str) -> importlib.metadata.Distribution:
        if name == "oresort":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata.Distribution, "from_name", staticmethod(from_name))


@pytest.mark.usefixtures("uninstalled")
def test_every_verb_that_keeps_a_record_names_the_version_of_the_source_tree(command: Any, tmp_path: Path):
    data, runs = tmp_path / "data", tmp_path / "runs"

    def run(verb: Any, *words: str) -> None:
        code, out, err = command(verb, *words)
        assert code == 0, err + out

    run(simulate, f"out={data}", "pairs=60", "scans=1", "seed=3")
    scan = [f"{energy}={data}/scan_1_{energy}.tiff" for energy in ("low", "high")]
    assert MARKED in (data / "dataset.json").read_text()
    run(train, f"data.root={data}", f"out={runs}/a", *TINY)
    run(pretrain, f"data.root={data}", f"out={runs}/p", *TINY)
    run(classic, f"data.root={data}", f"out={runs}/c", "method=r_value")
    best = runs / "a" / "checkpoints" / "best.ckpt"
    run(evaluate, f"ckpt={best}", f"data.root={data}", f"out={tmp_path}/evaluated", "figures=[]")
    run(export, f"ckpt={best}", f"out={tmp_path}/model.onnx", "pairs=8")
    run(sort, f"ckpt={best}", f"out={tmp_path}/sorted", *scan)
    run(report, f"runs={runs}")
    records = sorted(tmp_path.rglob("provenance.json"))
    assert {file.parent.name for file in records} >= {"a", "p", "c"}
    for file in records:
        assert json.loads(file.read_text())["packages"]["oresort"] == MARKED


def test_what_is_installed_is_asked_in_one_place():
    asking = []
    for file in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.startswith(("importlib.metadata", "importlib_metadata", "pkg_resources")) for name in names):
                asking.append(file.relative_to(SRC).as_posix())
    assert asking == ["paths.py"]
