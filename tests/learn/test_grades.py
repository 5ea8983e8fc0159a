"""Grades learned and asked for at any cut-off: by a run, its checkpoint, the commands and the exported file."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pairs import write_manifest, write_released
from scipy.stats import logistic

from oresort import evaluate, export, train
from oresort.data.index import index_pairs
from oresort.data.leaks import DatasetWarning
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained, save
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train as fit
from oresort.learn.grades import grade_figures, interval_factor
from oresort.learn.load import load

ONE_HEAD = ("model/fusion=stack", "task=grade")


def with_grades(root: Path, **cells: object) -> Path:
    """A released dataset with grades that follow the class, and `cells` in the first row."""
    if not root.is_dir():
        write_manifest(write_released(root))
    frame = pd.read_csv(root / "manifest.csv", dtype=str)
    if "grade" not in frame:
        noise = np.random.default_rng(0).standard_normal(len(frame))
        frame["grade"] = np.where(frame["label"] == "ore", 0.3, 0.03) * np.exp(0.5 * noise)
    frame = frame.astype({"grade": object})
    for column, value in cells.items():
        frame.loc[0, column] = value
    frame.to_csv(root / "manifest.csv", index=False)
    return root


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_grades(tmp_path_factory.mktemp("graded") / "data")


@pytest.fixture(scope="module")
def run(graded: Path, compose_train: Callable[..., TrainConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    fit(compose_train(f"data.root={graded}", *ONE_HEAD, "cutoff=0.1", "trainer.max_epochs=3"), folder)
    return folder


def test_labels_by_grade_leave_pairs_and_sides_as_they_are(graded: Path):
    plain = index_pairs(PairsConfig(str(graded)))
    for cutoff in (0.05, 0.1, 0.3):
        found = index_pairs(PairsConfig(str(graded), cutoff=cutoff))
        assert found[["id", "split"]].equals(plain[["id", "split"]])
        assert (found["label"] == (found["grade"] >= cutoff)).all()


def test_pairs_without_a_grade_are_left_out_and_told(tmp_path: Path):
    root = with_grades(tmp_path / "data", grade="")
    with pytest.warns(DatasetWarning, match="1 of 48 pairs have no grade"):
        assert len(index_pairs(PairsConfig(str(root), cutoff=0.1))) == 47
    with pytest.raises(InputError, match="1 of 48 pairs have no grade"):
        index_pairs(PairsConfig(str(root), cutoff=0.1, strict=True))


def test_the_answers_are_those_of_the_distribution_at_any_cutoff(run: Path, graded: Path):
    trained = load_trained(run)
    frame = pd.read_csv(run / "predictions.csv")
    val = frame[frame["split"] == "val"]
    order = np.argsort(val["told_grade"].to_numpy())
    kept = trained.graded[np.argsort(trained.graded[:, 0])]
    assert np.log(val["told_grade"].to_numpy()[order]) == pytest.approx(kept[:, 0], abs=1e-5)
    for cutoff in (0.1, 0.05, 0.2):
        trained = load_trained(run).at_cutoff(cutoff)
        expected = logistic.sf(math.log(cutoff), kept[:, 0], kept[:, 1] * trained.temperature)
        ids = val["id"].to_numpy()[order]
        from oresort.learn.evaluation import evaluate_checkpoint

        asked = evaluate_checkpoint(run, graded, "val", cutoff=cutoff)
        table = asked.predictions.set_index("id").loc[ids]
        assert table["p_ore"].to_numpy() == pytest.approx(expected, abs=1e-5)
        assert asked.threshold == pytest.approx(trained.threshold)
        assert asked.grade["cutoff"] == cutoff


def test_the_trainings_own_cutoff_asked_for_changes_nothing(run: Path):
    plain, asked = load_trained(run), load_trained(run).at_cutoff(0.1)
    assert asked.cutoff == plain.cutoff == 0.1
    assert asked.temperature == pytest.approx(plain.temperature, rel=1e-4)
    assert asked.threshold == pytest.approx(plain.threshold, abs=1e-4)


def test_validation_pairs_and_the_point_follow_the_cutoff(run: Path):
    plain, moved = load_trained(run), load_trained(run).at_cutoff(0.2)
    assert plain.known is not None
    assert moved.known is not None
    assert (moved.known.ore == (moved.known.grade >= 0.2)).all()
    assert moved.known.ore.sum() < plain.known.ore.sum()
    assert moved.point.threshold == moved.threshold
    assert moved.point.rule == plain.point.rule == "balanced_accuracy"
    assert moved.point.chosen_on["ore"] == moved.known.ore.sum()


def test_a_checkpoint_that_knows_no_validation_pairs_says_so(run: Path, tmp_path: Path):
    trained = load_trained(run)
    save(tmp_path / "again.ckpt", trained.module, trained.data)
    again = load_trained(tmp_path / "again.ckpt")
    assert again.cutoff == 0.1
    with pytest.raises(InputError, match="knows no validation pairs"):
        again.at_cutoff(0.2)


def test_a_model_of_classes_is_judged_by_grade_as_it_is(trained: Path, graded: Path, command):
    code, out, _ = command(evaluate, f"ckpt={trained}", f"data.root={graded}", "cutoff=0.3")
    assert code == 0
    assert "ore: a grade of at least 0.3 wt %" in out
    assert "ln(grade)" not in out


def test_intervals_hold_what_they_say():
    rng = np.random.default_rng(0)
    mean, scale = rng.standard_normal(4000), np.full(4000, 0.5)
    graded = np.stack([mean, scale, mean + logistic.rvs(scale=0.7, size=4000, random_state=rng)], 1).astype(np.float32)
    factor = interval_factor(graded[:2000])
    figures = grade_figures(graded[2000:], 0.0, factor)
    assert figures.covered == pytest.approx(0.9, abs=0.02)
    assert figures.rmse == pytest.approx(logistic.std(scale=0.7), rel=0.05)
    assert figures.rmse_blind > figures.rmse
    assert interval_factor(graded[:8]) == math.inf  # of eight pairs no distance is the quantile
    assert math.isnan(grade_figures(graded[:8], 0.0, math.inf).covered)


def test_the_exported_file_answers_at_the_cutoff_it_was_exported_for(run: Path, graded: Path, tmp_path: Path, command):
    pytest.importorskip("onnxscript")
    file = tmp_path / "m.onnx"
    words = (f"ckpt={run}", f"out={file}", f"data.root={graded}", "pairs=20")
    code, out, err = command(export, *words, "cutoff=0.2")
    assert code == 0, err
    assert "decisions the same" in out
    model = load(file)
    assert model.threshold == pytest.approx(load_trained(run).at_cutoff(0.2).threshold)
    assert model.card.provenance["cutoff"] == 0.2
    with pytest.raises(InputError, match="export its checkpoint again"):
        load(file, cutoff=0.1)


@pytest.mark.parametrize(
    ("words", "cells", "expected"),
    [
        (("task=grade",), {}, "task=grade: ore is what reaches a cut-off; give it in wt %"),
        (("task=grade", "cutoff=0"), {}, "cutoff=0"),
        (("task=grade", "cutoff=-1"), {}, "cutoff=-1"),
        (("task=grade", "cutoff=101"), {}, "cutoff=101"),
        (("task=grade", "cutoff=high"), {}, "cutoff=high"),
        (("task=assay", "cutoff=0.1"), {}, "task=assay: known are class, grade"),
        (("task=grade", "cutoff=0.1"), {"grade": "0"}, "has grade 0"),
        (("task=grade", "cutoff=0.1", "model/fusion=mean"), {}, "joins votes of 2 heads"),
        (("cutoff=0.1", "task=class"), {"all": ""}, "no grade in its manifest"),
        (("task=grade", "cutoff=0.1"), {"all": 31.0}, "a median grade of 31 wt %; is it in ppm"),
        (("task=grade", "cutoff=0.1"), {"all": 0.2}, "which are of 0.2 wt %: nothing tells both classes apart"),
    ],
)
def test_bad_input_is_one_line(
    command, tmp_path: Path, graded: Path, monkeypatch, words: tuple[str, ...], cells: dict[str, object], expected: str
):
    monkeypatch.chdir(tmp_path)
    root = graded
    if cells:
        root = with_grades(tmp_path / "data", **{key: value for key, value in cells.items() if key != "all"})
        if "all" in cells:
            frame = pd.read_csv(root / "manifest.csv", dtype=str).assign(grade=cells["all"])
            frame.to_csv(root / "manifest.csv", index=False)
    small = ("model.tower.widths=[4,8,8]", "model.tower.squeeze=2", "model.head.widths=[4]", "representation.size=16")
    fusion = () if any(word.startswith("model/fusion") for word in words) else ("model/fusion=stack",)
    code, _, err = command(train, f"data.root={root}", *small, "trainer.max_epochs=1", *fusion, *words)
    assert code == 1
    assert expected in [line for line in err.splitlines() if line.startswith("error: ")][-1]
    assert "Traceback" not in err


def test_a_cutoff_that_cannot_be_is_refused(run: Path, trained: Path):
    for cutoff, words in (
        (90.0, "all on one side"),
        (1e-5, "all on one side"),
        (0.0, "above 0"),
        (math.nan, "above 0"),
    ):
        with pytest.raises(InputError, match=words):
            load_trained(run).at_cutoff(cutoff)
    with pytest.raises(InputError, match="learned classes, not grades; train with task=grade"):
        load(trained, cutoff=0.1)


@pytest.mark.parametrize("odd", [None, torch.zeros(0, 3), torch.zeros(4, 2), torch.full((3, 3), math.nan)])
def test_a_checkpoint_without_its_validation_pairs_is_refused(run: Path, tmp_path: Path, odd: object):
    file = run / "checkpoints" / "best.ckpt"
    content = torch.load(file, weights_only=True)
    torch.save({**content, "graded": odd}, tmp_path / "odd.ckpt")
    with pytest.raises(InputError, match="graded"):
        load_trained(tmp_path / "odd.ckpt")
