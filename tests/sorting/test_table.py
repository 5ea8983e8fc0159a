"""The table of decisions: what was measured, in full, and never a number that is none."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from oresort.scan.segment.particle import Particle
from oresort.sorting.decision import Decision
from oresort.sorting.drift import PairFigures
from oresort.sorting.table import COLUMNS, Placed, write_decisions


def decided(x: int, p: float, decision: str, **measured: float) -> Placed:
    particle = Particle(x, 705, 4, 3, True, np.ones((3, 4), np.bool_), touching=True)
    values = {"mass_proxy": 9.5, "low_mean": 1.2, "high_mean": 0.8} | measured
    figures = PairFigures(1.2, 0.8, 1.5, 0.01, 0.01, 12.0, 1.0)
    made = Decision(particle, 12, **values, figures=figures, p_ore=np.float32(p), decision=decision, reason="threshold")
    return Placed("scan_2", 105, made)


def test_the_table_holds_what_was_decided(tmp_path: Path):
    path = tmp_path / "out" / "decisions.csv"
    write_decisions(path, [decided(1, 0.1, "waste"), decided(9, 0.75, "ore")], 0.4)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    expected = {"id": 1, "scan": "scan_2", "x": 1, "y": 105, "w": 4, "h": 3, "area": 12, "area_mm2": 1.92} | {
        "mass_proxy": "9.50", "low_mean": "1.20000", "high_mean": "0.80000", "r": "1.50000", "p_ore": 0.1,
        "decision": "waste", "reason": "threshold", "faulty": 0, "clipped": 1, "touching": 1, "parted": 0, "mended": 0,
    }  # fmt: skip
    assert rows[0] == {key: str(value) for key, value in expected.items()}
    assert np.float32(rows[0]["p_ore"]) == np.float32(0.1)
    assert rows[1]["id"] == "2"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["mass_proxy", "low_mean", "high_mean"])
def test_what_is_no_number_stays_empty(tmp_path: Path, name: str, bad: float):
    write_decisions(
        tmp_path / "d.csv", [decided(1, 0.5, "ore", **{name: bad}), decided(1, 0.5, "ore", high_mean=0)], None
    )
    rows = list(csv.DictReader((tmp_path / "d.csv").read_text().splitlines()))
    assert rows[0][name] == rows[0]["area_mm2"] == rows[1]["r"] == ""
    assert "nan" not in (tmp_path / "d.csv").read_text()
    assert "inf" not in (tmp_path / "d.csv").read_text()


def test_an_empty_belt_gives_the_header(tmp_path: Path):
    write_decisions(tmp_path / "decisions.csv", [], None)
    assert (tmp_path / "decisions.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_a_failure_leaves_the_old_table(tmp_path: Path):
    path = tmp_path / "decisions.csv"
    path.write_text("old")
    with pytest.raises(AttributeError):
        write_decisions(path, [decided(1, 0.5, "ore"), decided(2, 0.5, "ore")._replace(made=None)], None)  # type: ignore[arg-type]
    assert [file.name for file in tmp_path.iterdir()] == ["decisions.csv"]
    assert path.read_text() == "old"
