"""Every tower with every fusion and head that conf/model holds: a new file is tested by being there."""

from itertools import product
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from oresort.models.build import build_model

CONF = Path(__file__).parents[2] / "conf" / "model"
GROUPS = ("tower", "fusion", "head")
FILES = {group: sorted(path.stem for path in (CONF / group).glob("*.yaml")) for group in GROUPS}


def plain(group: str, name: str) -> dict:
    return OmegaConf.to_container(OmegaConf.load(CONF / group / f"{name}.yaml"), resolve=True)


@pytest.fixture(params=product(*FILES.values()), ids="-".join)
def model(request):
    spec = {group: plain(group, name) for group, name in zip(GROUPS, request.param, strict=True)}
    model = build_model({**spec, "channels": 2}).double()
    with torch.no_grad():
        model(*pairs(16))  # running statistics off their start, as after training
    return model.eval()


def pairs(n: int) -> torch.Tensor:
    return torch.randn(2, n, 2, 9, 9, dtype=torch.float64)


def test_every_parameter_gets_a_gradient(model):
    logits = model(*pairs(8))
    assert logits.shape == (8, 2)
    nn.functional.cross_entropy(logits, torch.arange(8) % 2).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_sample_alone_equals_itself_in_a_batch(model):
    low, high = pairs(4)
    torch.testing.assert_close(model(low[1:2], high[1:2]), model(low, high)[1:2], rtol=1e-10, atol=1e-12)


def test_both_energies_count(model):
    low, high = pairs(4)
    logits, none = model(low, high), torch.zeros_like(low)
    for other in (model(high, low), model(none, high), model(low, none)):
        assert (other - logits).abs().max() > 1e-9


def test_a_batch_of_one_trains(model):
    model.train()
    assert model(*pairs(1)).isfinite().all()


def test_state_round_trip_is_bit_for_bit(model):
    low, high = pairs(2)
    expected = model(low, high)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1)
    model.load_state_dict(state)
    assert torch.equal(model(low, high), expected)
