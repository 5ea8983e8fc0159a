"""The study of starts: what it measures, and that it runs as typed."""

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from oresort.models.build import build_model
from oresort.models.heads.kan import kan_layers
from studies import kan_init


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
    model = build_model({**kan_init.PARTS, "head": kan_init.head_spec("paper", False)})
    torch.nn.functional.cross_entropy(model(low, high), torch.arange(8) % 2).backward()
    for number, layer in enumerate(kan_layers(model), 1):
        varying = layer.coefficients.grad[layer.in_features :]
        assert found["gradient"][number] == pytest.approx(varying.norm().item(), rel=1e-4)


@pytest.mark.slow
def test_the_study_runs_as_typed(dataset: Path, tmp_path: Path, monkeypatch: Any, capsys: Any):
    words = ["--data", str(dataset), "--out", str(tmp_path / "out"), "--work", str(tmp_path / "runs")]
    monkeypatch.setattr(sys, "argv", ["kan_init", *words, "--seeds", "0"])
    kan_init.main()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"scale.csv", "epoch.csv", "kan_init.png"}
    cases = len(kan_init.CASES)
    assert len(pd.read_csv(tmp_path / "out" / "scale.csv")) == 7 * kan_init.DRAWS * cases
    epoch = pd.read_csv(tmp_path / "out" / "epoch.csv")
    assert epoch["auroc"].between(0, 1).all()
    assert epoch["drift"].between(1e-6, 1).all()
    assert capsys.readouterr().out.count("\n| ") == cases + 1  # the table and its head
    # again: nothing is trained anew
    monkeypatch.setattr(kan_init, "train", None)
    kan_init.main()
    assert pd.read_csv(tmp_path / "out" / "epoch.csv").equals(epoch)
