"""A sweep whose jobs leave what they make elsewhere leaves no folder of its own."""

from pathlib import Path
from typing import Any

import pytest

from oresort import calibrate
from oresort.belt import write_scans


def test_a_sweep_leaves_no_empty_folder(command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write_scans(tmp_path / "scans", scans=1, seed=0, particles=12)
    code, _, err = command(calibrate, "-m", "scans=scans", "out=a.json,b.json")
    assert code == 0, err
    left = {file.name for file in tmp_path.iterdir()}
    assert {"a.json", "b.json"} <= left
    assert "multirun" not in left
    (tmp_path / "multirun").mkdir()  # somebody's own stays
    (tmp_path / "multirun" / "kept").touch()
    assert command(calibrate, "-m", "scans=scans", "out=c.json,d.json")[0] == 0
    assert [file.name for file in (tmp_path / "multirun").iterdir()] == ["kept"]
