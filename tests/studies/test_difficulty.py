"""The study of how hard simulated datasets are: runs as typed, goes on where it stopped, collects."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from studies import difficulty


@pytest.fixture
def ran(command: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that the study ran, in this process instead of one each."""
    modules: list[str] = []

    def run(module: str, *words: str) -> None:
        modules.append(module)
        code, _, err = command(importlib.import_module(module), *words)
        assert code == 0, err

    monkeypatch.setattr(difficulty, "command", run)
    return modules


def test_every_method_runs_once_and_is_tabulated(ran: list[str], tmp_path: Path):
    arguments = {"work": tmp_path / "work", "out": tmp_path / "out", "pairs": 120, "epochs": 1, "seeds": [3]}
    rules = difficulty.measure(**arguments, methods=["R value"])
    assert len(rules) == 2
    table = difficulty.measure(**arguments)
    assert table.method.tolist() == [name for name in difficulty.METHODS for _ in difficulty.LABELS]
    assert table.test.between(0, 100).all()
    assert len(ran) == 2 + len(table)
    pd.testing.assert_frame_equal(difficulty.measure(**arguments, collect=True), table)
    assert len(ran) == 2 + len(table)
    mean = pd.read_csv(tmp_path / "out" / "difficulty_mean.csv")
    assert len(mean) == len(table)
    assert (tmp_path / "out" / "difficulty.png").stat().st_size > 5000


def test_nothing_to_collect_and_a_command_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    words = ["difficulty", "--work", str(tmp_path), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", [*words, "--collect"])
    with pytest.raises(SystemExit, match="no finished run to collect"):
        difficulty.main()
    monkeypatch.setattr(sys, "argv", [*words, "--pairs", "-1"])
    with pytest.raises(SystemExit, match=r"python -m oresort.simulate out=.* failed"):
        difficulty.main()
    assert "pairs" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
