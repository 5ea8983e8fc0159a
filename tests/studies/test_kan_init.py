"""The study of starts: what it measures, and that it runs as typed."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from pairs import SMALL

from oresort.learn.config import TrainConfig
from oresort.models.heads.kan import kan_layers
from studies import kan_init
from studies.command import compose


def test_the_papers_start_loses_signal_and_gradient_and_the_default_does_not():
    torch.manual_seed(0)
    low, high = torch.rand(2, 32, 1, 20, 20)
    batch = low, high, torch.arange(32) % 2
    paper, linear = (
        kan_init.scales(*batch, init, norm, seed=0).set_index("layer")
        for init, norm in (("paper", False), ("linear", True))
    )
    assert paper.index.tolist() == list(range(7))
    assert paper["activation"][6] < 1e-3 * paper["activation"][0]
    assert paper["gradient"][1] < 1e-1 * paper["gradient"][6]
    assert linear["activation"][6] > 0.1
    assert 0.1 < linear["gradient"][1] / linear["gradient"][6] < 1e3


def test_gradients_are_of_the_coefficients_without_constants():
    torch.manual_seed(0)
    low, high = torch.rand(2, 8, 1, 12, 12)
    found = kan_init.scales(low, high, torch.arange(8) % 2, "paper", False, seed=3).set_index("layer")
    torch.manual_seed(3)
    model = kan_init.fresh("paper", False)
    torch.nn.functional.cross_entropy(model(low, high), torch.arange(8) % 2).backward()
    for number, layer in enumerate(kan_layers(model), 1):
        varying = layer.coefficients.grad[layer.in_features :]
        assert found["gradient"][number] == pytest.approx(varying.norm().item(), rel=1e-4)


def test_the_means_are_over_seeds_and_the_medians_over_draws():
    scale = pd.DataFrame(
        {"init": "linear", "norm": True, "layer": [0, 0, 0, 1], "activation": [1, 2, 9, 4], "gradient": 1.0}
    )
    epoch = pd.DataFrame({"init": "linear", "norm": True, "seed": [0, 1], "auroc": [0.5, 0.6], "drift": 0.1})
    (row,) = kan_init.summary(scale, epoch).to_dict("records")
    assert (row["activation 0"], row["activation 1"]) == (2, 4)
    assert (row["auroc_mean"], row["auroc_std"]) == pytest.approx((0.55, 0.0707), abs=1e-4)


def small(init: str, norm: bool, *words: str) -> TrainConfig:
    return compose(*SMALL, f"model.head.init={init}", f"model.head.norm={str(norm).lower()}", *words)


def test_drift_is_what_the_towers_moved_by(dataset: Path, tmp_path: Path):
    still = small("linear", True, f"data.root={dataset}", "optim.lr=1e-12")
    assert kan_init.first_epoch(still, tmp_path / "still")["drift"] < 1e-6
    moving = small("linear", True, f"data.root={dataset}", "optim.lr=1e-2")
    assert 1e-3 < kan_init.first_epoch(moving, tmp_path / "moving")["drift"] < 10


def test_the_study_goes_on_where_it_stopped(dataset: Path, tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(kan_init, "config", small)
    monkeypatch.setattr(kan_init, "CASES", [("linear", True), ("paper", False)])
    monkeypatch.setattr(kan_init, "DRAWS", 2)
    options = kan_init.Options(dataset, tmp_path / "runs", tmp_path / "out", [0])
    kan_init.study(options)
    epoch = pd.read_csv(tmp_path / "out" / "epoch.csv")
    assert epoch["init"].tolist() == ["linear", "paper"]
    assert len(pd.read_csv(tmp_path / "out" / "summary.csv")) == 2
    monkeypatch.setattr(kan_init, "train", None)  # nothing is trained anew
    kan_init.study(options)
    assert pd.read_csv(tmp_path / "out" / "epoch.csv").equals(epoch)
