"""The studies of splits and of averages: what they reckon, and that they run as typed."""

from pathlib import Path

import pandas as pd
import pytest
from pairs import SMALL

from studies import averages, crossval


def test_a_split_is_off_by_its_distance_to_the_mean_over_folds():
    kinds = ["fold", "fold", "split", "split"]
    table = pd.DataFrame({"kind": kinds, "number": [0, 1, 1, 2], "auroc": [80.0, 90.0, 82.0, 91.0]})
    table = table.assign(auroc_low=table["auroc"] - 4, auroc_high=table["auroc"] + 4)
    whole = {"auroc_mean": 0.85, "auroc_std": 0.07, "pooled": 0.84, "pooled_low": 0.8, "pooled_high": 0.88}
    found = crossval.summary(table, whole).set_index("of")
    assert found.loc["one split, mean", "off_rms"] == pytest.approx(((3**2 + 6**2) / 2) ** 0.5)
    assert found.loc["one split, mean", "held"] == 50
    assert found.loc["highest split", "off"] == pytest.approx(6)
    assert found.loc["all folds", ["auroc", "auroc_low"]].tolist() == pytest.approx([84, 80])


def test_both_studies_run_and_go_on_where_they_stopped(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    words = [word for word in SMALL if "progress" not in word]
    folded = crossval.Options(dataset, tmp_path / "cv", tmp_path / "out", folds=3, splits=1, words=words)
    first = crossval.study(folded)
    runs = pd.read_csv(tmp_path / "out" / "runs.csv")
    assert runs["kind"].tolist() == ["fold"] * 3 + ["split"]
    assert runs.loc[runs["kind"] == "fold", "pairs"].sum() == 48
    assert (tmp_path / "out" / "crossval.png").is_file()
    several = averages.Options([dataset], tmp_path / "av", tmp_path / "out", seeds=[1, 2], words=words)
    means = averages.study(several).set_index("way")
    assert means["passes"].tolist() == [1, 8, 2, 16]
    assert (means["pairs_s"] > 0).all()
    one = means.loc["one model", "auroc"]
    assert means.loc["mean of 2", "difference"] == pytest.approx(means.loc["mean of 2", "auroc"] - one)
    for study in (crossval, averages):
        monkeypatch.setattr(study, "train", None)  # nothing is trained anew
    pd.testing.assert_frame_equal(crossval.study(folded), first)
    assert averages.study(several)["auroc"].tolist() == means["auroc"].tolist()
