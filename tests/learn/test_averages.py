"""The mean of models and of turns: what it is, at which threshold, at what cost, and of whom there is none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from oresort import evaluate, sort
from oresort.data.augment import Augmentation, turn
from oresort.errors import InputError
from oresort.files.manifest import load_manifest
from oresort.learn.averages import evaluate_average
from oresort.learn.ckpts import checkpoints_of
from oresort.learn.config import TrainConfig
from oresort.learn.evaluation import evaluate_checkpoint
from oresort.learn.fit import train
from oresort.represent.representation import Attenuation
from oresort.sorting.threshold import choose_threshold

Compose = Callable[..., TrainConfig]


@pytest.fixture(scope="module")
def runs(dataset: Path, compose_train: Compose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep's folder: two seeds on one split, with the turns of `augment=physical`."""
    folder = tmp_path_factory.mktemp("averages")
    for seed in (1, 2):
        train(compose_train(f"data.root={dataset}", f"seed={seed}"), folder / f"s{seed}")
    return folder


def test_the_mean_is_of_calibrated_probabilities_at_a_threshold_of_its_own(runs: Path, dataset: Path):
    names = [str(runs / "s1"), str(runs / "s2")]
    found = evaluate_average(names, dataset)
    alone = [evaluate_checkpoint(name, dataset) for name in names]
    p = np.mean([one.predictions["p_ore"] for one in alone], axis=0)
    np.testing.assert_allclose(found.result.predictions["p_ore"], p, atol=1e-6)
    for part, one in zip(found.parts, alone, strict=False):
        assert part.metrics == one.metrics
        assert (part.threshold, part.passes) == (one.threshold, 1)
    assert [part.passes for part in found.parts] == [1, 1, 2]
    assert found.parts[-1].name == "mean of 2 models"
    val = [evaluate_checkpoint(name, dataset, "val").predictions for name in names]
    on_val = np.mean([one["p_ore"] for one in val], axis=0).astype(np.float32)
    ore = (val[0]["label"] == "ore").to_numpy(np.int64)
    assert found.result.threshold == pytest.approx(choose_threshold("balanced_accuracy", on_val, ore))
    assert found.result.point.chosen_on["pairs"] == len(val[0])
    assert not found.result.warnings


def test_turns_are_those_that_training_drew(runs: Path, dataset: Path):
    found = evaluate_average([str(runs / "s1")], dataset, tta=True)
    assert [part.passes for part in found.parts] == [1, 8]
    assert found.parts[0].metrics == evaluate_checkpoint(runs / "s1", dataset).metrics
    both = evaluate_average([str(runs / "s1"), str(runs / "s2")], dataset, tta=True)
    assert [part.passes for part in both.parts] == [1, 1, 2, 16]
    other = evaluate_average([str(runs / "s2")], dataset, tta=True)
    mean = np.mean([one.result.predictions["p_ore"] for one in (found, other)], axis=0)
    np.testing.assert_allclose(both.result.predictions["p_ore"], mean, atol=1e-6)


@pytest.mark.parametrize(
    ("flip", "transpose", "views"),
    [(0.5, 0.5, tuple(range(8))), (0.5, 0.0, (0, 1, 2, 3)), (0.0, 0.1, (0, 4)), (0.0, 0.0, (0,))],
)
def test_views_follow_what_is_drawn(flip: float, transpose: float, views: tuple[int, ...]):
    assert Augmentation(flip=flip, transpose=transpose).views == views


@given(st.integers(0, 7), st.integers(3, 40), st.integers(3, 40), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_a_turn_of_the_planes_is_the_plane_of_a_turned_particle(code: int, height: int, width: int, seed: int):
    # of even sides: an odd one lies half a detector pixel off the canvas's middle, and cannot be mirrored about it
    crops = np.random.default_rng(seed).integers(9_000, 40_000, (2, 2 * height, 2 * width), np.uint16)
    turned = turn(torch.from_numpy(crops.astype(np.int64)), code).numpy().astype(np.uint16)
    shown = Attenuation(size=24)
    ours, theirs = (torch.from_numpy(shown.planes(*pair, 52_350.0, "zero")) for pair in (crops, turned))
    torch.testing.assert_close(turn(ours, code), theirs, atol=1e-5, rtol=1e-5)


def test_the_command_tells_each_the_mean_and_its_cost(command: Any, runs: Path, dataset: Path, tmp_path: Path):
    words = f"data.root={dataset}", f"out={tmp_path}"
    code, out, err = command(evaluate, f"ckpt=[{runs / 's1'},{runs / 's2'}]", "tta=true", *words)
    assert code == 0, err
    assert "mean of 2 models, all turns" in out
    assert "takes 16 passes of a network for each pair in place of 1" in out
    told = json.loads((tmp_path / "evaluation.json").read_text())
    assert [part["passes"] for part in told["parts"]] == [1, 1, 2, 16]
    assert told["test/auroc"] == told["parts"][-1]["auroc"]
    assert told["threshold"] == told["parts"][-1]["threshold"]
    assert all(part["pairs_per_second"] > 0 for part in told["parts"])
    assert len(pd.read_csv(tmp_path / "predictions.csv")) > 0
    code, _, err = command(evaluate, f"ckpt={runs}", "page=true", *words)
    assert code == 1
    assert "page=true: is of one model" in err
    code, _, err = command(sort, f"ckpt=[{runs / 's1'},{runs / 's2'}]", f"out={tmp_path / 'no'}", "low=a", "high=b")
    assert code == 1
    assert "several models, whose mean oresort.evaluate alone measures" in err


def test_a_sweep_a_pattern_and_a_list_name_the_same(runs: Path, tmp_path: Path):
    both = [str(runs / "s1"), str(runs / "s2")]
    assert checkpoints_of(str(runs)) == checkpoints_of(f"{runs}/s*") == checkpoints_of(both) == both
    assert checkpoints_of(f"{runs}/*/checkpoints/best.ckpt") == [f"{one}/checkpoints/best.ckpt" for one in both]
    for wrong, why in (
        ([], "give a checkpoint"),
        (3, "give a checkpoint"),
        ([both[0], 3], "give a checkpoint"),
        ([both[0], both[0]], "stands there twice"),
        (f"{tmp_path}/*", "no checkpoint there"),
        (str(tmp_path), "no checkpoint there"),
    ):
        with pytest.raises(InputError, match=why):
            checkpoints_of(wrong)
    (tmp_path / "begun").mkdir()
    row = json.loads((runs / "s1" / "metrics.json").read_text()) | {"status": "running"}
    (tmp_path / "begun" / "metrics.json").write_text(json.dumps(row))
    with pytest.raises(InputError, match="begun: a run without a result"):
        checkpoints_of(str(tmp_path))


def test_models_that_do_not_belong_together_are_refused(
    runs: Path, dataset: Path, compose_train: Compose, tmp_path: Path
):
    first = str(runs / "s1")
    others = {
        "fold": (["data.folds=3", "data.fold=0"], r"its test pairs are not those of .*, data.split|data.folds"),
        "f1": (["threshold=f1"], "threshold: the models have theirs balanced_accuracy and f1"),
        "plain": (["augment=none"], "tta=true: its training drew no turns"),
    }
    for name, (words, why) in others.items():
        train(compose_train(f"data.root={dataset}", *words), tmp_path / name)
        with pytest.raises(InputError, match=why):
            evaluate_average([first, str(tmp_path / name)], dataset, tta=name == "plain")
    chosen = evaluate_average([first, str(tmp_path / "f1")], dataset, threshold="f1")
    assert chosen.result.point.rule == "f1"
    given_ = evaluate_average([first, str(tmp_path / "f1")], dataset, threshold=0.25)
    assert given_.result.threshold == 0.25


def test_pairs_that_a_model_was_trained_on_are_told(runs: Path, dataset: Path, command: Any, tmp_path: Path):
    # the same images at other places of a split of their own
    frame = load_manifest(dataset)
    known = evaluate_checkpoint(runs / "s1", dataset)
    assert not known.warnings
    tested = set(known.predictions["id"])
    root = tmp_path / "other"
    root.mkdir()
    for name in ("low", "high"):
        for file in frame[name]:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes((dataset / file).read_bytes())
    scans = frame.loc[~frame["id"].isin(tested), "scan"].unique()
    sides = {scan: ("val", "test")[i % 2] for i, scan in enumerate(scans)}
    table = frame.assign(
        split=[sides.get(scan, "train") for scan in frame["scan"]], label=frame["label"].map({0: "waste", 1: "ore"})
    )
    table.drop(columns=[c for c in ("background", "mass", "grade", "batch") if c in table]).to_csv(
        root / "manifest.csv", index=False
    )
    code, _, err = command(evaluate, f"ckpt={runs / 's1'}", f"data.root={root}")
    assert code == 0, err
    assert "leakage: the model was trained on" in err
