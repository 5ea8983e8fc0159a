"""Helps for training: what each does to images, losses and gradients, and that a run with them holds together."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.objective import Helps, drop_energy, modulate, paces

Compose = Callable[..., TrainConfig]
ALL = ("helps.energy_dropout=0.3", "helps.auxiliary=0.5", "helps.balance=0.5")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_energy_dropout_takes_either_energy_but_never_both():
    low, high = torch.ones(2, 10_000, 1, 2, 2)
    a, b = drop_energy(low, high, 0.3, seeded())
    assert low.all()
    assert high.all()
    gone = torch.stack((a, b)).flatten(2).sum(2) == 0  # (2, B)
    assert not gone.all(0).any()
    assert gone.float().mean(1).tolist() == pytest.approx([0.15, 0.15], abs=0.01)
    assert ((torch.stack((a, b)) == 0) | (torch.stack((a, b)) == 1)).all()
    assert drop_energy(low, high, 1.0, seeded())[0].mean() == pytest.approx(0.5, abs=0.02)
    assert torch.equal(drop_energy(low, high, 0.3, seeded())[0], a)


def test_the_tower_that_is_ahead_learns_slower():
    label = torch.tensor([0, 1])
    sure, unsure = torch.tensor([[0.9, 0.1], [0.1, 0.9]]).log(), torch.tensor([[0.6, 0.4], [0.4, 0.6]]).log()
    slow = 1 - math.tanh(0.5 * 0.9 / 0.6)
    assert paces((sure, unsure), label, 0.5) == pytest.approx((slow, 1.0))
    assert paces((unsure, sure), label, 0.5) == pytest.approx((1.0, slow))
    assert paces((sure, sure), label, 0.5) == (1.0, 1.0)
    wrong = torch.tensor([[-200.0, 200.0], [200.0, -200.0]])
    assert all(0 <= p <= 1 for p in paces((sure, wrong), label, 0.5))


def test_modulation_scales_convolutions_and_adds_noise_of_their_deviation():
    tower = nn.Sequential(nn.Conv2d(8, 64, 5), nn.BatchNorm2d(64))
    for p in tower.parameters():
        p.grad = 3 + torch.randn(p.shape, generator=seeded(1))
    before = [p.grad.clone() for p in tower.parameters()]
    modulate(tower, 0.25, seeded())
    noise = tower[0].weight.grad - 0.25 * before[0]
    assert noise.mean().item() == pytest.approx(0, abs=0.05)
    assert noise.std().item() == pytest.approx(before[0].std().item(), rel=0.05)
    for p, old in list(zip(tower.parameters(), before, strict=True))[1:]:
        assert torch.equal(p.grad, old)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"energy_dropout": 1.1}, "energy_dropout=1.1"),
        ({"auxiliary": -1}, "at least 0"),
        ({"balance": 0.5}, "set helps.auxiliary"),
    ],
)
def test_bad_strengths_are_named(keys: dict[str, float], named: str):
    with pytest.raises(InputError, match=named):
        Helps(**keys)


@pytest.mark.parametrize("words", [("model/fusion=low",), ("model.share=true", "model/fusion=concat")])
def test_auxiliary_losses_need_two_towers(dataset: Path, compose_train: Compose, tmp_path: Path, words: Any):
    with pytest.raises(InputError, match="needs two towers"):
        train(compose_train(f"data.root={dataset}", "helps.auxiliary=1", *words), tmp_path)


def weights(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_trained(run / "checkpoints" / "last.ckpt").module.state_dict()
    return state


def test_each_help_changes_the_run_and_none_stays_in_the_model(
    dataset: Path, compose_train: Compose, tmp_path: Path
):
    def run(name: str, *words: str) -> dict[str, torch.Tensor]:
        row = train(compose_train(f"data.root={dataset}", *words), tmp_path / name)
        assert row["status"] == "finished"
        params.add(row["params"])
        return weights(tmp_path / name)

    params: set[int] = set()
    plain, again = run("plain"), run("again")
    key = "net.towers.0.stages.0.0.weight"
    assert torch.equal(plain[key], again[key])
    seen = [plain[key]]
    for i in range(3):
        state = run(str(i), *ALL[i : i + 1] if i < 2 else ALL[1:])
        assert [torch.equal(state[key], other) for other in seen] == [False] * len(seen), i
        seen.append(state[key])
    assert len(params) == 1
    key = "net.heads.0.layers.0.coefficients"
    assert not torch.equal(run("penalty", "model.head.sparsity=1")[key], plain[key])


class Killed(BaseException):
    """Stands for a kill."""


def test_a_resumed_run_draws_what_it_would_have_drawn(
    dataset: Path, compose_train: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from oresort.learn.module import OreModule

    cfg = compose_train(f"data.root={dataset}", "trainer.max_epochs=2", *ALL)
    train(cfg, tmp_path / "whole")
    step = OreModule.training_step

    def dies(self: OreModule, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.current_epoch == 1:
            raise Killed
        return step(self, batch)

    monkeypatch.setattr(OreModule, "training_step", dies)
    with pytest.raises(Killed):
        train(cfg, tmp_path / "killed")
    monkeypatch.setattr(OreModule, "training_step", step)
    train(cfg, tmp_path / "killed")
    rows = [json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("whole", "killed")]
    assert rows[0]["test/brier"] == rows[1]["test/brier"]
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert [key for key in whole if not torch.equal(whole[key], killed[key])] == []
