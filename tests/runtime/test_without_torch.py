"""A sorter's computer has no torch: what is installed there sorts, and says in one line what it cannot do."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import tomllib
import venv
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from oresort import sort
from oresort.belt import write_scans
from oresort.console.extras import EXTRAS
from oresort.learn.checkpoint import load_trained
from oresort.learn.export import export_model
from oresort.learn.origin import origin_of, pairs_to_try

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = {"sklearn": "scikit-learn", "wandb_workspaces": "wandb-workspaces"}

HOOK = f"""
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(EXTRAS)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Nothing())
"""


@pytest.fixture(scope="module")
def place(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a scan, an exported model, its checkpoint, and what that decided."""
    folder = tmp_path_factory.mktemp("place")
    write_scans(folder, scans=1, seed=5, particles=24)
    model = load_trained(trained)
    export_model(model, folder / "model.onnx", partial(pairs_to_try, model, 64, None), origin_of(model))
    shutil.copy(model.file, folder / "model.ckpt")
    return folder


def started(place: Path, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process where nothing of the extras is installed."""
    code = f"{HOOK}\nimport sys\nsys.argv[1:] = {list(words)!r}\nimport oresort.{verb} as m\nm.main()"
    return subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True)


def scan_words(out: str, model: str) -> tuple[str, ...]:
    return f"ckpt={model}", "low=scan_1_low.tiff", "high=scan_1_high.tiff", f"out={out}"


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    assert len(one) > 15
    pd.testing.assert_frame_equal(one.drop(columns="p_ore"), other.drop(columns="p_ore"))
    pd.testing.assert_series_equal(one["p_ore"], other["p_ore"], rtol=0, atol=1e-5)


def test_an_exported_model_sorts_without_torch_as_its_checkpoint_does(
    place: Path, command: Any, monkeypatch: pytest.MonkeyPatch
):
    done = started(place, "sort", *scan_words("exported", "model.onnx"))
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(place)
    code, _, err = command(sort, *scan_words("checkpoint", "model.ckpt"))
    assert code == 0, err
    same(*(pd.read_csv(place / name / "decisions.csv") for name in ("exported", "checkpoint")))
    known = json.loads((place / "exported" / "decisions.json").read_text())
    assert known["model"]["checkpoint"] == load_trained(place / "model.ckpt").digest
    assert known["threshold"] == load_trained(place / "model.ckpt").threshold


def test_the_python_face_sorts_without_torch(place: Path):
    code = HOOK + textwrap.dedent("""
        from pathlib import Path

        import numpy as np
        import oresort
        from oresort.runtime import Sorter
        from oresort.scan import PairReader, calibrate_scan

        with PairReader(Path("scan_1_low.tiff"), Path("scan_1_high.tiff")) as reader:
            sorter = Sorter("model.onnx", calibrate_scan(reader))
            made = [row for lines in reader.ahead(100) for row in sorter.push(*lines)] + sorter.finish()
        assert sum(row.decision == "ore" for row in made) > 0, made
        low = np.pad(np.full((20, 20), 20_000, np.uint16), 5)
        assert oresort.load("model.onnx").predict(low, low // 2 * 3, air=52_350).shape == (1,)
        print(len(made))
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(pd.read_csv(place / "scan_1_truth.csv"))


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("sort", scan_words("out", "model.ckpt")),
        ("train", ("data.root=x", "out=out")),
        ("evaluate", ("ckpt=model.ckpt", "data.root=x", "out=out")),
        ("simulate", ("pairs=20", "out=out")),
        ("export", ("ckpt=model.ckpt", "out=out.onnx")),
        ("explain", ("ckpt=model.ckpt", "out=out")),
        ("classic.__main__", ("data.root=x", "out=out")),
        ("import_weights", ("weights=x", "out=out")),
    ],
)
def test_what_is_not_installed_is_named_with_the_command_that_installs_it(
    place: Path, verb: str, words: tuple[str, ...]
):
    done = started(place, verb, *words)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(": not installed; pip install 'oresort[train]'")
    assert not (place / "out").exists()


def test_every_such_module_is_of_the_extra_that_is_named():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    plain = " ".join(project["dependencies"])
    for module, extra in EXTRAS.items():
        name = DISTRIBUTIONS.get(module, module)
        assert any(entry.startswith(name) for entry in extras[extra]), module
        assert name not in plain.split()


@pytest.mark.slow
def test_a_fresh_environment_has_no_torch_and_sorts(place: Path, tmp_path: Path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    # a copy: a build leaves nothing in the checkout
    beside = shutil.ignore_patterns(".git", ".venv", ".*_cache", "demo", "runs")
    shutil.copytree(ROOT, tmp_path / "source", ignore=beside)

    install = [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", tmp_path / "source"]
    done = subprocess.run(install, capture_output=True, text=True, env=clean)
    if done.returncode and "connection" in done.stderr.lower():
        pytest.skip(f"no package index here: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    listed = subprocess.run([python, "-m", "pip", "list"], capture_output=True, text=True, env=clean).stdout.lower()
    assert "onnxruntime" in listed
    for name in ("torch", "lightning", "timm", "onnxscript", "xraylib", "scikit-learn"):
        assert f"\n{name} " not in listed
    words = scan_words("fresh", "model.onnx")
    done = subprocess.run([python, "-m", "oresort.sort", *words], cwd=place, capture_output=True, text=True, env=clean)
    assert done.returncode == 0, done.stderr
    plain = started(place, "sort", *scan_words("here", "model.onnx"))
    assert plain.returncode == 0, plain.stderr
    same(*(pd.read_csv(place / name / "decisions.csv") for name in ("fresh", "here")))
