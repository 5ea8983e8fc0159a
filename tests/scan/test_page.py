"""The page on scans shows code that runs."""

import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from oresort.belt import write_scans

PAGE = Path(__file__).parents[2] / "docs" / "scans.md"


def test_the_notebooks_cells_run_one_after_the_other(tmp_path, monkeypatch):
    write_scans(tmp_path, scans=1, seed=3, particles=20)
    monkeypatch.chdir(tmp_path)
    cells = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(cells) == 4
    names: dict = {}
    for cell in cells:
        exec(compile(cell, str(PAGE), "exec"), names)
        last = cell.strip().splitlines()[-1]
        if last.startswith("draw_"):
            assert isinstance(eval(last, names), Figure)
    assert len(names["particles"]) == 20
    for one, other in zip(names["streamed"], names["cuts"], strict=True):
        np.testing.assert_array_equal(one.high, other.high)
    assert names["crop"].dtype == np.uint16
    assert names["cover"].weak.shape == names["transmission"].shape
    assert names["registered"].shape == names["low"].shape
