"""The objective: what each term does to images, losses and gradients, and that a run with them holds together."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from kill import killed_in
from torch import nn

from oresort.data import augment
from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.module import OreModule
from oresort.learn.objective import Objective, balance_gradients, drop_energy, paces
from oresort.learn.schedule import on_gpu
from oresort.learn.waits import Waits
from oresort.make import make
from oresort.models.build import build_model
from oresort.models.pairnet import PairNet
from oresort.paths import choices, part
from oresort.represent.representation import Representation

Compose = Callable[..., TrainConfig]
ALL = ("objective.energy_dropout=0.3", "objective.auxiliary=0.5", "objective.balance=0.5")


def small(fusion: str = "concat", head: str = "linear") -> PairNet:
    """A model of two narrow towers."""
    tower = {"_target_": "oresort.models.towers.compact.CompactTower", "widths": [4, 8]}
    return build_model({"tower": tower, "fusion": part("model/fusion", fusion), "head": part("model/head", head)})


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
    assert paces((sure, unsure), label, 0.5).tolist() == pytest.approx([slow, 1.0])
    assert paces((unsure, sure), label, 0.5).tolist() == pytest.approx([1.0, slow])
    assert paces((sure, sure), label, 0.5).tolist() == [1.0, 1.0]
    wrong = torch.tensor([[-200.0, 200.0], [200.0, -200.0]])
    assert all(0 <= p <= 1 for p in paces((sure, wrong), label, 0.5).tolist())


def test_modulation_scales_convolutions_and_adds_noise_of_their_deviation():
    tower = nn.Sequential(nn.Conv2d(8, 64, 5), nn.BatchNorm2d(64))
    for p in tower.parameters():
        p.grad = 3 + torch.randn(p.shape, generator=seeded(1))
    before = [p.grad.clone() for p in tower.parameters()]
    balance_gradients(tower, torch.tensor(0.25), seeded())
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
        ({"balance": 0.5}, "set objective.auxiliary"),
    ],
)
def test_bad_strengths_are_named(keys: dict[str, float], named: str):
    with pytest.raises(InputError, match=named):
        Objective(small(), **keys)


@pytest.mark.parametrize("words", [("model/fusion=low",), ("model.share=true", "model/fusion=concat")])
def test_auxiliary_losses_need_two_towers(dataset: Path, compose_train: Compose, tmp_path: Path, words: Any):
    with pytest.raises(InputError, match="needs two towers"):
        train(compose_train(f"data.root={dataset}", "objective.auxiliary=1", *words), tmp_path)


def module_with(**spec: Any) -> OreModule:
    fusion, head = spec.pop("fusion", "concat"), spec.pop("head", "linear")
    tower = {"_target_": "oresort.models.towers.compact.CompactTower", "widths": [4, 8]}
    model = {"tower": tower, "fusion": part("model/fusion", fusion), "head": part("model/head", head)}
    objective = {"_target_": "oresort.learn.objective.Objective", **spec}
    return OreModule(model, part("representation", "attenuation"), objective=objective)


def batch_of(n: int = 6) -> dict[str, torch.Tensor]:
    low, high = torch.randn(2, n, 1, 12, 12, generator=seeded())
    return {"low": low, "high": high, "label": torch.arange(n) % 2, "index": torch.arange(n)}


TERMS = [{}, {"energy_dropout": 0.5, "auxiliary": 0.5, "balance": 0.5}]
EVERY = [
    *({"loss": part("objective/loss", loss)} for loss in choices("objective/loss")),
    *({"fusion": fusion} for fusion in choices("model/fusion")),
    *({"head": head} for head in choices("model/head")),
    *({"head": "kan2", **terms} for terms in TERMS),
]


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: " ".join(f"{k}={v}"[-40:] for k, v in spec.items()))
def test_a_training_step_never_waits_for_the_device(spec: dict[str, Any]):
    module = module_with(**spec)
    with Waits() as waits:
        loss = module.training_step(batch_of())
        loss.backward()
        module.on_before_optimizer_step(None)  # type: ignore[arg-type]
    assert list(waits.found) == []
    assert loss.isfinite()


@pytest.mark.parametrize("fusion", choices("model/fusion"))
def test_no_fusion_waits_with_any_head(fusion: str):
    for head in choices("model/head"):
        module = module_with(fusion=fusion, head=head)
        with Waits() as waits:
            module.training_step(batch_of()).backward()
        assert list(waits.found) == [], head


@pytest.mark.parametrize("name", choices("augment"))
@pytest.mark.parametrize("kind", ["attenuation", "standardized"])
def test_no_augmentation_of_a_device_waits(name: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(augment, "turned", augment.turned_at_once)  # as on a GPU
    drawn, facts = make(part("augment", name), augment.Augmentation), make(part("representation", kind), Representation)
    value, cover = torch.rand(2, 5, 2, 8, 8, generator=seeded())
    planes = torch.cat((value * cover, cover), 1)
    with Waits() as waits:
        changed = drawn.on_device(planes, facts, seeded())
    assert list(waits.found) == []
    assert changed.isfinite().all()


def test_optimisers_are_asked_for_what_a_graph_wants():
    extra = {name: on_gpu(part("optim", name)).keys() - part("optim", name).keys() for name in choices("optim")}
    assert extra == {"adamw": {"capturable", "fused"}, "muon": {"capturable"}, "sgd": {"fused"}}
    assert "fused" not in on_gpu(part("optim", "adamw") | {"foreach": True})


def test_what_waits_is_noticed():
    made = lambda x: x * torch.tensor(2.0)  # noqa: E731
    for wait in (torch.Tensor.item, torch.nonzero, lambda x: x[x > 0], lambda x: bool(x.sum() > 0), made):
        with Waits() as waits:
            wait(torch.ones(1))
        assert waits.found


def test_the_objective_is_its_loss_and_the_weighted_terms():
    batch, objective = batch_of(), Objective(small(), auxiliary=0.25)
    loss, outputs = objective(batch, seeded())
    logits, vectors, _ = objective.net.parts(batch["low"], batch["high"])
    alone = [
        nn.functional.cross_entropy(f(v), batch["label"]) for f, v in zip(objective.auxiliary, vectors, strict=True)
    ]
    expected = nn.functional.cross_entropy(logits, batch["label"]) + 0.25 * sum(alone)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert torch.equal(outputs.logits, logits)


def weights(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load_trained(run / "checkpoints" / "last.ckpt").module.state_dict()
    return state


def test_each_term_changes_the_run_and_none_stays_in_the_model(dataset: Path, compose_train: Compose, tmp_path: Path):
    def run(name: str, *words: str) -> dict[str, torch.Tensor]:
        row = train(compose_train(f"data.root={dataset}", *words), tmp_path / name)
        assert row["status"] == "finished"
        params.add(row["params"])
        return weights(tmp_path / name)

    params: set[int] = set()
    plain, again = run("plain"), run("again")
    # after one step of Adam a single tensor may be the same: its first step is the gradient's sign
    tower = [key for key in plain if key.startswith("objective.net.towers.0.")]

    def alike(state: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
        return all(torch.equal(state[key], other[key]) for key in tower)

    assert alike(plain, again)
    seen = [plain]
    for i in range(3):
        state = run(str(i), *ALL[i : i + 1] if i < 2 else ALL[1:])
        assert [alike(state, other) for other in seen] == [False] * len(seen), i
        seen.append(state)
    assert len(params) == 1
    key = "objective.net.heads.0.layers.0.coefficients"
    assert not torch.equal(run("penalty", "model.head.sparsity=1")[key], plain[key])


def test_a_resumed_run_draws_what_it_would_have_drawn(dataset: Path, compose_train: Compose, tmp_path: Path):
    cfg = compose_train(f"data.root={dataset}", "trainer.max_epochs=2", *ALL)
    train(cfg, tmp_path / "whole")
    killed_in(1, cfg, tmp_path / "killed")
    train(cfg, tmp_path / "killed")
    rows = [json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("whole", "killed")]
    assert rows[0]["test/brier"] == rows[1]["test/brier"]
    whole, killed = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert [key for key in whole if not torch.equal(whole[key], killed[key])] == []
