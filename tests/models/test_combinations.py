"""Every fusion with every head that conf/model holds."""

import copy
import sys
from itertools import product

import pytest
import torch
from torch import nn
from zoo import FILES, NARROW, member, pairs, part

from oresort.make import make, trust
from oresort.models.heads.head import Head
from oresort.models.heads.kan import KAN, kan_layers
from oresort.models.towers.paper import Attention, ResidualBlock
from oresort.paths import CONF_DIR, choices


@pytest.fixture(params=product(FILES["fusion"], FILES["head"]), ids="-".join)
def model(request):
    return settled(*request.param)


def settled(fusion, head, conf=CONF_DIR):
    model = member(NARROW, fusion, head, channels=2, conf=conf).double()
    with torch.no_grad():
        for module in model.heads.modules():
            if isinstance(module, nn.Linear):
                module.bias.fill_(1)  # narrow layers of ReLU may start dead, which is nobody's defect
        model(*pairs(16))  # running statistics off their start, as after training
    return model.eval()


def changed(model, a, b):
    return (model(*a) - model(*b)).abs().max().item()


def test_a_member_of_the_zoo(model):
    # one test for what must hold of all, since building hundreds of models is what takes the time
    check_member(model)


def check_member(model):
    low, high = pairs(4)
    logits = model(low, high)
    assert logits.shape == (4, 2)

    alone = model(low[1:2], high[1:2])
    torch.testing.assert_close(alone, logits[1:2], rtol=1e-10, atol=1e-12)

    none = torch.zeros_like(low)
    for energy, without in (("low", (none, high)), ("high", (low, none))):
        difference = changed(model, (low, high), without)
        assert difference > 1e-9 if energy in model.fusion.energies else difference == 0, energy
    swapped = changed(model, (low, high), (high, low))
    assert swapped < 1e-12 if model.fusion.symmetric else swapped > 1e-9

    state = {key: value.clone() for key, value in model.state_dict().items()}
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1)
    model.load_state_dict(state)
    assert torch.equal(model(low, high), logits)

    nn.functional.cross_entropy(model(*pairs(8)), torch.arange(8) % 2).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []

    model.train()
    assert model(*pairs(1)).isfinite().all()


FUSION = """
from oresort.models.fusions.fusion import Fusion

class Larger(Fusion):
    symmetric = {symmetric}

    def features(self, *vectors):
        return (vectors[0].maximum({other}),)
"""


@pytest.mark.parametrize(
    ("symmetric", "other", "holds"),
    [
        (False, "vectors[1]", True),
        (True, "vectors[1]", False),  # the towers differ in their weights
        (False, "vectors[1].mean(0)", False),  # mixes the pairs of a batch
        (False, "vectors[0]", False),  # ignores an energy
    ],
)
def test_a_new_fusion_is_one_class_and_one_file(tmp_path, monkeypatch, symmetric, other, holds):
    # the same checks as of every file of the package
    (tmp_path / "larger.py").write_text(FUSION.format(symmetric=symmetric, other=other))
    (tmp_path / "model" / "fusion").mkdir(parents=True)
    (tmp_path / "model" / "fusion" / "larger.yaml").write_text("_target_: larger.Larger\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "larger", raising=False)
    trust("larger")
    assert choices("model/fusion", tmp_path) == ["larger"]
    model = settled("larger", "mlp", tmp_path)
    if holds:
        check_member(model)
    else:
        with pytest.raises(AssertionError):
            check_member(model)


def gradients_are_right(module: nn.Module, x: torch.Tensor) -> bool:
    def run(x, *values):
        named = dict(zip(dict(module.named_parameters()), values, strict=True))
        return torch.func.functional_call(module, named, (x,))

    return torch.autograd.gradcheck(run, (x.requires_grad_(), *module.parameters()))


@pytest.mark.parametrize("name", FILES["head"])
def test_gradcheck_of_heads(name):
    keys = part("head", name)
    if "widths" in keys:
        keys["widths"] = [2]
    head = make(keys, Head, in_features=3).double()
    assert gradients_are_right(head, torch.randn(4, 3, dtype=torch.float64))  # the norm over the batch, too
    assert gradients_are_right(head.eval(), torch.randn(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("layer", [ResidualBlock(2, 3), Attention(3, 2)], ids=lambda x: type(x).__name__)
def test_gradcheck_of_the_towers_layers(layer):
    channels = 2 if isinstance(layer, ResidualBlock) else 3
    x = torch.randn(2, channels, 5, 5, dtype=torch.float64)
    assert gradients_are_right(copy.deepcopy(layer).double().eval(), x)


def test_gradcheck_of_the_penalty():
    head = KAN(3, widths=(2,), sparsity=1.0).double()
    coefficients = [layer.coefficients for layer in kan_layers(head)]
    assert torch.autograd.gradcheck(lambda *_: head.penalty(), coefficients)
