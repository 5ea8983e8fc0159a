"""The configuration of a command is composed once, but where Hydra must look for a sweep."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from oresort import evaluate, prepare, report, sort


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The names of the files of conf/ that were read, each as often as it was; in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    names: list[str] = []
    load = OmegaConf.load

    def noted(file: Any) -> Any:
        names.append(Path(getattr(file, "name", "")).name)
        return load(file)

    monkeypatch.setattr(OmegaConf, "load", noted)
    return names


def test_a_command_is_composed_once(command: Any, read: list[str], tmp_path: Path):
    code, _, err = command(report, f"runs={tmp_path}")
    assert (code, err.count("\n")) == (1, 1), err
    assert "no runs" in err
    assert read.count("report.yaml") == 1


@pytest.mark.parametrize("words", [("hydra.mode=MULTIRUN",), ("-m",), ("+hydra.job.chdir=x",)])
def test_what_is_no_single_job_is_left_to_hydra(command: Any, read: list[str], tmp_path: Path, words: tuple[str, ...]):
    code, _, err = command(report, f"runs={tmp_path}", *words)
    assert code == 1
    assert err.count("\n") == 1, err
    assert read.count("report.yaml") > 1


@pytest.mark.parametrize("empty", ["out=", "out=''"])
def test_an_empty_word_where_a_value_is_required_is_refused(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: str
):
    monkeypatch.chdir(tmp_path)  # which it would be the name of, as out=$UNSET is
    for module, words in ((sort, ("ckpt=builtin", f"scans={tmp_path}")), (prepare, (f"scans={tmp_path}",))):
        code, _, err = command(module, *words, empty)
        assert code == 1
        assert "out=" in err
        assert ": empty; give it as out=VALUE" in err
    code, _, err = command(evaluate, "ckpt=", "data.root=", f"out={tmp_path / 'out'}")
    assert (code, ": empty; give it as ckpt=VALUE" in err) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["calibration", "ejectors", "prices", "save_calibration", "scans", "low", "page_host"])
def test_an_empty_word_is_not_taken_for_a_key_that_was_left_out(command: Any, tmp_path: Path, key: str):
    code, _, err = command(sort, "ckpt=builtin", f"scans={tmp_path}", f"out={tmp_path / 'out'}", f"{key}=")
    assert (code, err) == (1, f"error: {key}=: empty; give it as {key}=VALUE, or leave it out\n")
