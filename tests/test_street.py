"""The street: rooms import only from rooms above them, verbs are thin, numpy rooms and help do without torch."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

import oresort
from oresort.__main__ import commands, main
from oresort.paths import CONF_DIR
from oresort.sorting import METRICS

SRC = Path(oresort.__file__).parent
ROOT = SRC.parents[1]

STREET = (
    "xray", "files", "represent", "belt", "scan", "sorting", "runtime", "models", "classic", "data", "learn", "tables"
)  # fmt: skip
SHARED = ("errors", "make", "paths", "console")
"""May be imported by all, and import nothing but each other."""

WITHOUT_TORCH = ("xray", "files", "represent", "belt", "scan", "sorting", "runtime", "tables")
VERBS = sorted(file.stem for file in CONF_DIR.glob("*.yaml"))


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, at the top or in a function, and for annotations alone."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(file: Path) -> set[str]:
    """The rooms and shared modules of the package that a file imports."""
    parts = (name.split(".") for name in imports(file))
    found = {part[1] for part in parts if part[0] == "oresort" and len(part) > 1}
    return {name for name in found if (SRC / name).is_dir() or (SRC / f"{name}.py").is_file()}


@pytest.mark.parametrize("room", [*STREET, *SHARED])
def test_a_room_imports_only_from_rooms_above_it(room: str):
    files = list((SRC / room).rglob("*.py")) or list(SRC.glob(f"{room}.py"))
    # the command of a room is a verb
    files = [file for file in files if file.name != "__main__.py"]
    above = STREET[: STREET.index(room) + 1] if room in STREET else ()
    wrong = {f"{file.relative_to(SRC)} -> {name}" for file in files for name in rooms(file) - {*above, *SHARED}}
    assert wrong == set()


def test_every_folder_has_its_place_on_the_street():
    folders = {file.parent.relative_to(SRC).parts[0] for file in SRC.glob("*/**/*.py")}
    assert folders <= {*STREET, *SHARED}


@pytest.mark.parametrize("file", sorted(SRC.glob("*.py")), ids=lambda file: file.stem)
def test_what_stands_at_the_top_is_a_thin_verb_or_shared(file: Path):
    assert file.stem in (*VERBS, *SHARED, "__init__", "__main__")
    assert len(file.read_text().splitlines()) <= 135


def test_the_package_knows_no_study_and_nobody_the_private_parts_of_hydra():
    for folder in ("src", "studies", "benchmarks", "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            names = set(imports(file))
            assert not any(name.startswith("hydra._internal") for name in names), file
            if folder == "src":
                assert not {name.split(".")[0] for name in names} & {"studies", "benchmarks", "tests"}, file


def test_models_know_neither_lightning_nor_hydra():
    for file in (SRC / "models").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(file)} & {"lightning", "hydra", "omegaconf"}, file


def loaded(code: str) -> set[str]:
    """The top-level modules in a process of its own after some code."""
    tail = "; import sys, json; print(json.dumps([m for m in sys.modules if '.' not in m]), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


HEAVY = {"torch", "lightning", "torchmetrics"}


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_a_numpy_room_is_imported_without_torch(room: str):
    files = [file.relative_to(SRC.parent).with_suffix("") for file in (SRC / room).rglob("*.py")]
    names = sorted(".".join(file.parts).removesuffix(".__init__") for file in files)
    assert not loaded(f"import {', '.join(names)}") & HEAVY


def test_the_package_lists_its_verbs_and_sends_on_who_asks_it_for_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert set(commands()) == set(VERBS)
    assert all(commands().values())
    for words, code, said in (
        ([], 0, "python -m oresort.train"),
        (["train", "seed=1"], 1, "write python -m oresort.train\n"),
        (["trian"], 1, "known are calibrate, classic, "),
    ):
        monkeypatch.setattr("sys.argv", ["oresort", *words])
        assert main() == code
        assert said in "".join(capsys.readouterr())


@pytest.mark.parametrize("verb", VERBS)
def test_help_needs_no_torch_and_names_every_key(verb: str):
    module = "oresort.classic.__main__" if verb == "classic" else f"oresort.{verb}"
    text = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv[1:] = ['--help']; import {module} as m; m.main(); "
         "print(*sys.modules, file=sys.stderr)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert not set(text.stderr.split()) & (HEAVY | {"hydra"})
    assert f"python -m oresort.{verb} key=value" in text.stdout

    def explained(content: object, comment_of: str) -> None:
        for key, value in content.items() if isinstance(content, dict) else ():
            lines = [line for line in text.stdout.splitlines() if re.match(rf"\s*{re.escape(str(key))}:", line)]
            assert lines, f"{comment_of}{key} is not in the help"
            if isinstance(value, dict):
                explained(value, f"{comment_of}{key}.")
            else:
                above = [text.stdout.splitlines()[text.stdout.splitlines().index(line) - 1] for line in lines]
                assert any("#" in line for line in (*lines, *above)), f"{comment_of}{key} is not explained"

    own = yaml.safe_load((CONF_DIR / f"{verb}.yaml").read_text())
    explained({key: value for key, value in own.items() if key not in ("defaults", "hydra")}, "")


def test_report_and_dashboard_do_all_their_work_without_torch(tmp_path: Path):
    rows = pd.DataFrame({"id": range(8), "scan": range(8), "split": "test", "label": ["ore", "waste"] * 4})
    rows.assign(p_ore=[0.9, 0.2] * 4).to_csv(tmp_path / "predictions.csv", index=False)
    row = {
        "status": "finished",
        "name": "a",
        "seed": 0,
        "config.name": "a",
        "params": 10,
        "threshold": 0.5,
        "data": "x",
    }
    (tmp_path / "metrics.json").write_text(json.dumps(row | {f"test/{name}": 0.5 for name in METRICS}))
    for verb, words in (
        ("report", [f"runs={tmp_path}"]),
        ("dashboard", ["entity=me", f"out={tmp_path / 'd.json'}"]),
    ):
        if verb == "dashboard":
            pytest.importorskip("wandb_workspaces")
        assert not loaded(f"import sys; sys.argv[1:] = {words}; import oresort.{verb} as m; m.main()") & HEAVY
    assert (tmp_path / "report-runs.png").is_file()


def test_help_explains_the_keys_of_the_files_that_the_words_choose(command):
    from oresort import train

    code, out, _ = command(train, "--help", "model/head=mlp")
    assert code == 0
    assert "model/head=mlp, keys of model.head:" in out
    assert " *model/head=mlp" in out
    for group in ("model/fusion", "trainer", "experiment"):
        for file in (CONF_DIR / group).glob("*.yaml"):
            assert f"{group}={file.stem} " in out


def test_the_public_face_is_imported_on_demand():
    assert not loaded("import oresort") & (HEAVY | {"numpy", "pandas", "hydra"})
    assert not loaded("from oresort import calibrate_scan, cut_scan, decide, PairReader") & HEAVY
    for name in oresort._FACE:
        assert getattr(oresort, name) is not None
        assert name in dir(oresort)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = oresort.nonsense


def test_no_two_files_of_tests_have_one_name():
    # pytest knows a file by its last name alone, and the second of two ends the whole run
    names = Counter(file.name for file in (ROOT / "tests").rglob("*.py") if file.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
