"""Runs of a cross-validation in a report: one row, and all test pairs as one set."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pairs import SMALL
from sklearn.metrics import f1_score, roc_auc_score

from oresort import report, train
from oresort.learn.checkpoint import load_trained
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.sorting import METRICS
from oresort.tables.collect import collect
from oresort.tables.plot import report_figure
from oresort.tables.summary import Report, summarise
from oresort.tables.text import sections

PAIRS, FOLDS = 240, 3


def make_fold(runs: Path, fold: int, seed: int = 0, row: str = "", signal: float = 1.0, **changes: Any) -> None:
    """Write what `report` reads of a run that tested a fold: every third of 24 scans."""
    ids = np.arange(PAIRS)
    own = ids[ids // 10 % FOLDS == fold]
    rng = np.random.default_rng([seed, fold])
    ore = own % 3 > 0
    # each fold's model on a scale of its own, as trainings are
    p = 1 / (1 + np.exp(-(signal * ore + rng.standard_normal(len(own)) + 2 * fold - 2)))
    folder = runs / f"{row or 'run'}-{fold}-{seed}"
    folder.mkdir(parents=True)
    table = {"id": own, "scan": own // 10, "split": "test", "label": np.where(ore, "ore", "waste"), "p_ore": p}
    pd.DataFrame(table).to_csv(folder / "predictions.csv", index=False)
    content = {
        "status": "finished", "name": "crossval", "seed": seed, "config.row": row, "config.reference": "good",
        "config.name": "crossval", "config.scale.name": "cpu", "config.recipe.name": "lite", "config.signal": signal,
        "config.data.folds": FOLDS, "config.data.fold": fold, "config.data.split_seed": 0,
        "config.trainer.max_epochs": 8, "config.data.root": "here", "config.seed": seed,
        "data": f"of fold {fold}", "dataset": "abc", "params": 7,
        "threshold": [0.2, 0.5, 0.8][fold], "pairs/train": 120, "pairs/val": 40, "pairs/test": len(own),
    }  # fmt: skip
    content |= {f"test/{m}": 0.5 + 0.1 * fold + 0.01 * seed for m in METRICS} | {"test/auroc": roc_auc_score(ore, p)}
    (folder / "metrics.json").write_text(json.dumps(content | changes))


def found(runs: Path, **more: Any) -> Report:
    return summarise(collect(runs), **({"resamples": 100} | more))


def test_folds_are_one_row_with_their_mean_and_all_their_pairs(tmp_path: Path):
    for fold in range(FOLDS):
        make_fold(tmp_path, fold)
    (row,) = found(tmp_path, metric="auroc").table.to_dict("records")
    assert (row["n"], row["folds"], row["folds_done"], row["seeds"], row["pairs_all"]) == (3, 3, 3, 1, PAIRS)
    assert row["f1_mean"] == pytest.approx(0.6)
    assert row["f1_std"] == pytest.approx(0.1)
    tables = [pd.read_csv(tmp_path / f"run-{fold}-0" / "predictions.csv") for fold in range(FOLDS)]
    whole = pd.concat(tables)
    assert row["pooled"] == pytest.approx(roc_auc_score(whole["label"] == "ore", whole["p_ore"]))
    assert row["pooled_low"] < row["pooled"] < row["pooled_high"]
    # three scales in one ranking are worse than each model's own
    assert row["pooled"] < row["auroc_mean"] - 0.05
    (section,) = sections(found(tmp_path), "test")
    drawn = {line.get_marker(): line.get_xdata()[0] for line in report_figure(section).axes[0].lines}
    assert (drawn["o"], drawn["s"]) == pytest.approx((100 * row["auroc_mean"], 100 * row["pooled"]))
    called = np.concatenate([t["p_ore"] >= at for t, at in zip(tables, (0.2, 0.5, 0.8), strict=True)])
    (row,) = found(tmp_path, metric="f1").table.to_dict("records")
    assert row["pooled"] == pytest.approx(f1_score(whole["label"] == "ore", called))


def test_seeds_of_folds_are_averaged_within_the_fold(tmp_path: Path):
    for fold in range(FOLDS):
        for seed in (0, 1, 2):
            make_fold(tmp_path, fold, seed)
    (row,) = found(tmp_path).table.to_dict("records")
    assert (row["n"], row["folds_done"], row["seeds"]) == (9, 3, 3)
    assert row["f1_mean"] == pytest.approx(0.61)
    assert row["f1_std"] == pytest.approx(0.1)  # of folds alone
    alone = []
    for seed in (0, 1, 2):
        whole = pd.concat([pd.read_csv(tmp_path / f"run-{fold}-{seed}" / "predictions.csv") for fold in range(FOLDS)])
        alone.append(roc_auc_score(whole["label"] == "ore", whole["p_ore"]))
    assert row["pooled"] == pytest.approx(np.mean(alone))


def test_a_missing_fold_has_no_figure_over_all(tmp_path: Path, command: Any):
    for fold, seed in ((0, 0), (1, 0), (2, 0), (0, 1)):
        make_fold(tmp_path, fold, seed)
    (row,) = found(tmp_path).table.to_dict("records")
    assert row["no_pooled"] == "fold 1 of seed 1 is missing"
    assert np.isnan(row["pooled"])
    code, out, err = command(report, f"runs={tmp_path}", "resamples=100", "page=true")
    assert code == 0, err
    assert "no figure over all folds: fold 1 of seed 1 is missing" in err
    assert "all folds: auroc" not in (tmp_path / "report.md").read_text()
    (tmp_path / "run-2-0" / "metrics.json").unlink()
    code, out, err = command(report, f"runs={tmp_path}", "resamples=0")
    assert code == 0, err
    assert "2 of 3 folds x 2" in out


def test_folds_that_do_not_test_each_pair_once_are_not_pooled(tmp_path: Path):
    for fold in range(FOLDS):
        make_fold(tmp_path, fold)
    file = tmp_path / "run-1-0" / "predictions.csv"
    pd.read_csv(file).assign(id=lambda t: t["id"] + 10).to_csv(file, index=False)  # ids of the next fold
    (row,) = found(tmp_path).table.to_dict("records")
    assert row["no_pooled"] == "its folds do not test each of the 240 pairs once"


def test_folds_of_other_pairs_or_drawn_otherwise_are_other_rows(tmp_path: Path):
    for fold in range(FOLDS):
        make_fold(tmp_path, fold)
    make_fold(tmp_path, 0, row="other", **{"dataset": "xyz", "config.row": ""})
    make_fold(tmp_path, 1, row="again", **{"config.data.split_seed": 7, "config.row": ""})
    table = found(tmp_path).table
    assert sorted(table["n"]) == [1, 1, 3]
    assert table["no_pooled"].notna().sum() == 2


def test_rows_of_folds_differ_within_their_folds(tmp_path: Path):
    for fold in range(FOLDS):
        make_fold(tmp_path, fold, row="good", signal=2.0)
        make_fold(tmp_path, fold, row="poor", signal=0.2)
    table = found(tmp_path).table.set_index("row")
    means = table["auroc_mean"]
    assert table.loc["poor", "difference"] == pytest.approx(means["poor"] - means["good"])
    assert table.loc["poor", "difference_high"] < 0
    (tmp_path / "poor-2-0" / "metrics.json").unlink()
    table = found(tmp_path).table.set_index("row")
    assert table.loc["poor", "no_difference"] == "it has other folds than the reference"


def test_a_changed_table_of_a_fold_is_damaged(tmp_path: Path):
    for fold in range(FOLDS):
        for seed in (0, 1):
            make_fold(tmp_path, fold, seed)
    file = tmp_path / "run-1-1" / "predictions.csv"
    pd.read_csv(file).replace({"label": {"ore": "waste", "waste": "ore"}}).to_csv(file, index=False)
    result = found(tmp_path)
    assert "run-1-1 is damaged" in result.table["no_pooled"].item()
    assert result.failed["run"].tolist() == [str(tmp_path / "run-1-1")]


def test_a_sweep_over_folds_ends_as_one_row(command: Any, dataset: Path, tmp_path: Path):
    words = ["+experiment=crossval", f"data.root={dataset}", f"out={tmp_path}", "data.folds=3"]
    code, _, err = command(train, *words, *SMALL)
    assert code == 0, err
    assert "3 jobs in" in err
    assert "crossval, fold 2, seed 0: test AUROC" in err
    folders = sorted(tmp_path.glob("crossval-f?-s0-*"))
    assert len(folders) == 3
    code, out, err = command(report, f"runs={tmp_path}", "resamples=50", "page=true")
    assert code == 0, err
    assert "3 folds" in out
    assert "all folds: every pair once" in out
    (row,) = pd.read_csv(tmp_path / "report.csv").to_dict("records")
    assert (row["folds"], row["pairs_all"]) == (3, 48)
    # a checkpoint knows its fold
    for fold, folder in enumerate(folders):
        assert load_trained(folder).data["fold"] == fold
        asked = evaluate_checkpoint(folder, dataset)
        known = pd.read_csv(folder / "predictions.csv", dtype={"id": str, "scan": str}).query("split == 'test'")
        assert asked.predictions["id"].tolist() == known["id"].tolist()
