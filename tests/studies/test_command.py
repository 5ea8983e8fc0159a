"""The command line that all studies share."""

import re
import runpy
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import MISSING

from oresort.errors import InputError
from studies.command import oresort, run_study

ROOT = Path(__file__).parents[2]


@dataclass
class Options:
    """Keys."""

    out: Path = MISSING  # a folder
    seeds: list[int] = field(default_factory=lambda: [1])  # of the runs


def test_words_become_typed_options_and_the_result_is_shown(capsys: pytest.CaptureFixture[str]):
    seen: list[Options] = []

    def study(options: Options) -> pd.DataFrame:
        seen.append(options)
        return pd.DataFrame({"auroc": [0.51239]})

    run_study(Options, study, ["out=a/b", "seeds=[3,4]"])
    assert "0.512 " in capsys.readouterr().out
    assert seen == [Options(Path("a/b"), [3, 4])]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "out"),
        (["out=a", "sedes=[1]"], "sedes"),
        (["out=a", "seeds=[x]"], "seeds"),
        (["--out", "a"], "give options as key=value"),
    ],
)
def test_a_wrong_word_ends_in_one_line(words: list[str], message: str):
    with pytest.raises(SystemExit, match=message) as stop:
        run_study(Options, lambda options: pd.DataFrame(), words)
    assert str(stop.value).startswith("error: ")
    assert "\n" not in str(stop.value)


def test_bad_input_of_the_study_ends_in_one_line():
    def fail(options: Options) -> pd.DataFrame:
        raise InputError("no such scan")

    with pytest.raises(SystemExit, match="error: no such scan"):
        run_study(Options, fail, ["out=a"])


def test_help_names_every_key_with_its_comment(capsys: pytest.CaptureFixture[str]):
    run_study(Options, lambda options: pd.DataFrame(), ["--help"])
    text = capsys.readouterr().out
    assert "The command line that all studies share." in text
    assert "out: Path = MISSING  # a folder" in text


def test_a_command_that_fails_is_named(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(InputError, match=r"python -m oresort.simulate pairs=-1 failed"):
        oresort("simulate", "pairs=-1")
    assert "out" in capfd.readouterr().err


def commands() -> list[str]:
    """Every module of `studies` that is a command, by the name that `python -m` takes."""
    files = [f for f in (ROOT / "studies").rglob("*.py") if "\nif __name__ ==" in f.read_text()]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return sorted(name.removesuffix(".__main__") for name in names)


def says_what_it_takes(name: str, text: str) -> bool:
    return bool(re.search(rf"python -m {name}\s", text)) and "Keys:" in text


@pytest.mark.parametrize("name", commands())
def test_every_study_has_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    for module in (f"{name}.__main__", name):  # other tests have imported it under its own name
        if module in sys.modules:
            monkeypatch.delitem(sys.modules, module)
            parent, _, own = module.rpartition(".")
            monkeypatch.setattr(sys.modules[parent], own, getattr(sys.modules[parent], own, None), raising=False)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    assert says_what_it_takes(name, capsys.readouterr().out)


def test_a_study_is_started_by_python():
    words = [sys.executable, "-m", "studies.pages", "--help"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert says_what_it_takes("studies.pages", done.stdout)
