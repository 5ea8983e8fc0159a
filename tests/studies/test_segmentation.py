"""The studies of segmentation, each on its smallest scale."""

import pandas as pd
import pytest

from studies.segmentation import study
from studies.segmentation import thresholds as study_split


@pytest.mark.slow
def test_the_study_writes_its_table_and_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "COVERAGES", (0.1, 0.2))
    monkeypatch.setattr(study, "CONDITIONS", {key: study.CONDITIONS[key] for key in ("nominal", "pressed")})
    table = study.run(tmp_path, seeds=1)
    assert table["coverage"].tolist() == ["0.1", "0.1", "0.2", "0.2", "all"]
    assert table["isolated"].iloc[-1] == table["isolated"].iloc[:-1].sum()
    assert (table["IoU >= 0.9"] > 0.95).all()
    assert len(pd.read_csv(tmp_path / "table.csv")) == 5
    for name in ("table", "profiles", "coverage_0.1", "coverage_0.2"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_thresholds_trade_flags_for_mergers(tmp_path, monkeypatch):
    monkeypatch.setattr(study_split, "COVERAGES", (0.3,))
    monkeypatch.setattr(study_split, "CONVEXES", (0.86, 0.92, 0.98))
    monkeypatch.setattr(study_split, "NECKS", (0.93,))
    table = study_split.run(tmp_path, seeds=1)
    assert table["merged silently"].is_monotonic_decreasing
    assert table["flagged for nothing"].is_monotonic_increasing
    assert len(pd.read_csv(tmp_path / "thresholds.csv")) == 3
    assert (tmp_path / "thresholds.png").stat().st_size > 10_000
