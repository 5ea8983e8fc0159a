"""Optimisers and schedules: every file of conf/ is stepped, ours against known rates."""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.learn.schedule import Constant, Cosine, OneCycle, Schedule, build_optimizer
from oresort.make import trust
from oresort.models.build import build_model
from oresort.paths import CONF_DIR

SGD = {"_target_": "torch.optim.SGD", "lr": 0.5}
ADAM = {"_target_": "torch.optim.AdamW", "lr": 3e-4, "weight_decay": 0.0}


def choices(group: str) -> list[str]:
    return sorted(file.stem for file in (Path(CONF_DIR) / group).glob("*.yaml"))


def rates(schedule: Schedule, steps: int, lr: float = 3e-4) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = schedule.build(optimizer, steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def test_the_papers_schedule():
    found = rates(Cosine(), 2000)
    assert found[0] == pytest.approx(3e-5)
    assert max(found) == pytest.approx(3e-4)
    assert found.index(max(found)) == 50  # 5 of 200 epochs
    assert found[-1] == pytest.approx(3e-6, rel=0.01)
    assert all(a <= b for a, b in pairwise(found[:51]))
    assert all(a >= b for a, b in pairwise(found[50:]))
    assert found[50 + 975] == pytest.approx((3e-4 + 3e-6) / 2, rel=0.01)


def test_the_default_rates_are_those_of_torchs_own_parts_to_the_bit():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=3e-4)
    lr_scheduler = torch.optim.lr_scheduler
    theirs = lr_scheduler.SequentialLR(
        optimizer,
        [
            lr_scheduler.LinearLR(optimizer, start_factor=3e-5 / 3e-4, total_iters=5),
            lr_scheduler.CosineAnnealingLR(optimizer, T_max=195, eta_min=3e-6),
        ],
        milestones=[5],
    )
    expected = []
    for _ in range(200):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert rates(Cosine(), 200) == expected


@pytest.mark.parametrize("lr", [2e-5, 3e-4, 3e-3])
@pytest.mark.parametrize("schedule", [Cosine(), OneCycle(), Constant()])
def test_the_shape_is_the_same_at_every_learning_rate(schedule: Schedule, lr: float):
    shape = [rate / lr for rate in rates(schedule, 80, lr)]
    assert shape == pytest.approx(rates(schedule, 80, 1.0), rel=1e-9)


def test_one_cycle_and_constant_have_the_rates_that_they_say():
    found = rates(OneCycle(warmup=0.25, start=0.2, final=0.0), 8, 1.0)
    assert found == pytest.approx([0.2, 0.6, 1.0, 0.9330, 0.75, 0.5, 0.25, 0.0670], abs=1e-4)
    assert rates(Constant(warmup=0.5, start=0.5), 8, 1.0) == pytest.approx([0.5, 0.625, 0.75, 0.875, 1, 1, 1, 1])


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
@pytest.mark.parametrize("name", choices("schedule"))
def test_a_short_run_goes_through_every_schedule(name: str, steps: int, compose_train: Callable[..., TrainConfig]):
    spec = compose_train(f"schedule={name}", small=False).schedule
    weight = nn.Parameter(torch.zeros(1))
    optimizer, scheduler = build_optimizer(SGD, spec, [weight], steps)
    for _ in range(steps):
        assert 0 < optimizer.param_groups[0]["lr"] <= 0.5
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("name", choices("optim"))
def test_every_optimizer_trains_convolutions_biases_and_kan_coefficients(
    name: str, compose_train: Callable[..., TrainConfig]
):
    cfg = compose_train(f"optim={name}")
    torch.manual_seed(0)
    net = build_model({"tower": cfg.model.tower, "fusion": cfg.model.fusion, "head": cfg.model.head})
    before = {key: value.clone() for key, value in net.named_parameters()}
    assert {value.ndim for value in before.values()} >= {1, 2, 4}
    optimizer, scheduler = build_optimizer(cfg.optim, cfg.schedule, net.parameters(), 30)
    low, high = torch.randn(2, 16, 1, 16, 16)
    label = (low.mean((1, 2, 3)) > 0).long()
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(net(low, high), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < 0.7 * losses[0]
    stuck = [key for key, value in net.named_parameters() if torch.equal(value, before[key])]
    assert stuck == []


def test_without_decay_adamw_is_adam_to_the_bit():
    ours, theirs = (nn.Parameter(torch.linspace(-1, 1, 5)) for _ in range(2))
    one, _ = build_optimizer(ADAM, {"_target_": "oresort.learn.schedule.Cosine"}, [ours], 10)
    other = torch.optim.Adam([theirs], lr=3e-4)
    for _ in range(5):
        for weight, optimizer in ((ours, one), (theirs, other)):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()
    assert torch.equal(ours, theirs)


def test_any_scheduler_of_torch_is_a_schedule():
    spec = {"_target_": "torch.optim.lr_scheduler.StepLR", "step_size": 2, "gamma": 0.1}
    optimizer, scheduler = build_optimizer(SGD, spec, [nn.Parameter(torch.zeros(1))], 4)
    found = []
    for _ in range(4):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert found == pytest.approx([0.5, 0.5, 0.05, 0.05])


def test_a_schedule_and_an_optimizer_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_steps.py").write_text(
        "from torch.optim import SGD\n"
        "from torch.optim.lr_scheduler import LambdaLR\n"
        "from oresort.learn.schedule import Schedule\n"
        "class Mine(SGD):\n    pass\n"
        "class Linear(Schedule):\n"
        "    def build(self, optimizer, steps):\n"
        "        return LambdaLR(optimizer, lambda step: 1 - step / steps)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    trust("my_steps")
    mine, linear = {"_target_": "my_steps.Mine", "lr": 1.0}, {"_target_": "my_steps.Linear"}
    optimizer, scheduler = build_optimizer(mine, linear, [nn.Parameter(torch.zeros(1))], 4)
    assert type(optimizer).__name__ == "Mine"
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 0.75


@pytest.mark.parametrize("bad", [{"start": 0}, {"start": 2}, {"final": 2}, {"final": -1}, {"warmup": 1.0}])
def test_impossible_shares_are_refused(bad: dict[str, float]):
    with pytest.raises(InputError, match="schedule"):
        Cosine(**bad)


@pytest.mark.parametrize(
    ("optim", "named"),
    [
        ({"lr": -1.0}, "learning rate"),
        ({"lr": 0.0}, r"optim\.lr=0\.0"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"mometum": 0.9}, "'mometum'; accepted: lr"),
        ({"params": []}, "'params' is not set by hand"),
        ({"_target_": "torch.optim.Adan"}, "no such optimizer; known: .*torch.optim.adamw.AdamW"),
    ],
)
def test_what_an_optimizer_refuses_is_one_line(optim: dict[str, Any], named: str):
    with pytest.raises(InputError, match=named) as caught:
        build_optimizer({**ADAM, **optim}, {}, [nn.Parameter(torch.zeros(1))], 10)
    assert "\n" not in str(caught.value)
    assert "torch.distributed.pipelining" not in sys.modules  # a wrong name imports no big library
