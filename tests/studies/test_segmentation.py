"""The studies of segmentation: what their tables count, and that they run, each on its smallest scale."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from studies.segmentation import __main__ as study
from studies.segmentation import thresholds


def scored(**columns: list[object]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    plain = {"iou": 1.0, "flagged": False, "parted": False, "merged": False}
    return pd.DataFrame({name: [value] * rows for name, value in plain.items()} | columns)


def test_the_row_over_all_counts_every_particle_once():
    scores = scored(
        kind=["isolated", "isolated", "touching", "touching"],
        iou=[0.95, 0.85, 0.9, 0.5],
        coverage=["0.1", "0.2", "0.1", "0.2"],
        condition=["nominal"] * 4,
    )
    errors = pd.DataFrame(
        {
            "coverage": ["0.1", "0.2"],
            "condition": "nominal",
            "air error": [0.1, 0.3],
            "registration error": 0.0,
        }
    )
    table = study.tabulate(scores, errors).set_index("coverage")
    assert table.index.tolist() == ["0.1", "0.2", "all"]
    assert table["isolated"].tolist() == [1, 1, 2]
    assert table["IoU >= 0.9"].tolist() == [1, 0, 0.5]
    assert table["apart"].tolist() == [1, 0, 0.5]
    assert table["otherwise wrong"].tolist() == [0, 1, 0.5]
    assert table["worst air error"].tolist() == [0.1, 0.3, 0.3]


def test_shares_are_of_their_own_kind():
    scores = scored(kind=["isolated"] * 4 + ["touching"] * 2, flagged=[True, False, False, False, True, False])
    found = thresholds.shares(scores)
    assert (found["isolated"], found["touching"]) == (4, 2)
    assert (found["flagged for nothing"], found["flagged"], found["apart"]) == (0.25, 0.5, 0.5)


def test_a_panel_shows_its_column_in_per_cent_and_its_target():
    scores = scored(kind=["isolated"] * 4, coverage=["0.1"] * 4, condition=["nominal"] * 4, iou=[0.95, 0, 0, 0])
    errors = {"coverage": ["0.1"], "condition": "nominal", "air error": 0.0, "registration error": 0.0}
    figure = study.draw_shares(study.tabulate(scores, pd.DataFrame(errors)).iloc[:-1])
    panel = figure.axes[0]
    assert panel.get_title() == "IoU >= 0.9, %"
    assert panel.lines[0].get_xdata() == pytest.approx([25])
    assert panel.lines[1].get_xdata() == pytest.approx([99, 99])


def colours(file: Path) -> int:
    return len(np.unique(np.asarray(Image.open(file).convert("RGB")).reshape(-1, 3), axis=0))


@pytest.mark.slow
def test_the_study_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(study, "COVERAGES", (0.1, 0.2))
    monkeypatch.setattr(study, "CONDITIONS", {key: study.CONDITIONS[key] for key in ("nominal", "pressed")})
    table = study.study(study.Options(tmp_path, seeds=1))
    assert table["coverage"].tolist() == ["0.1", "0.1", "0.2", "0.2", "all"]
    assert table["isolated"].iloc[-1] == table["isolated"].iloc[:-1].sum()
    assert (table["IoU >= 0.9"] > 0.95).all()
    pd.testing.assert_series_equal(pd.read_csv(tmp_path / "table.csv")["touching"], table["touching"])
    for name in ("table", "profiles", "coverage_0.1", "coverage_0.2"):
        assert colours(tmp_path / f"{name}.png") > 20


@pytest.mark.slow
def test_thresholds_trade_flags_for_mergers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(thresholds, "COVERAGES", (0.3,))
    monkeypatch.setattr(thresholds, "CONVEXES", (0.86, 0.92, 0.98))
    monkeypatch.setattr(thresholds, "NECKS", (0.93,))
    table = thresholds.study(thresholds.Options(tmp_path, seeds=1))
    assert table["merged silently"].is_monotonic_decreasing
    assert table["flagged for nothing"].is_monotonic_increasing
    assert len(pd.read_csv(tmp_path / "thresholds.csv")) == 3
