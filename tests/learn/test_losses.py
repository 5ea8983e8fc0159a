"""Losses of pairs: known values, right gradients, and what each does to a label that is wrong."""

import math
from typing import Any

import pytest
import torch

from oresort.errors import InputError
from oresort.learn.losses import CrossEntropy, Focal, GeneralisedCrossEntropy, Loss
from oresort.make import make
from oresort.paths import choices, part

LOSSES = choices("objective/loss")
LABEL = torch.tensor([0, 1, 1, 0])


def loss_of(name: str) -> Loss:
    return make(part("objective/loss", name), Loss)  # type: ignore[type-abstract]


def logits(p_label: float, n: int = 1) -> torch.Tensor:
    """Logits of pairs labelled waste that have this probability of waste."""
    return torch.tensor([[math.log(p_label), math.log(1 - p_label)]], dtype=torch.float64).repeat(n, 1)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (CrossEntropy(), -math.log(0.8)),
        (CrossEntropy(smoothing=0.2), -0.9 * math.log(0.8) - 0.1 * math.log(0.2)),
        (CrossEntropy(weight=[3.0, 1.0]), -3 * math.log(0.8)),
        (Focal(), -(0.2**2) * math.log(0.8)),
        (Focal(gamma=0.0), -math.log(0.8)),
        (Focal(gamma=1.0, alpha=[0.5, 2.0]), -0.5 * 0.2 * math.log(0.8)),
        (GeneralisedCrossEntropy(q=1.0), 0.2),
        (GeneralisedCrossEntropy(q=0.5), (1 - 0.8**0.5) / 0.5),
        (GeneralisedCrossEntropy(q=1e-6), -math.log(0.8)),
    ],
)
def test_the_loss_of_a_pair_with_probability_of_four_fifths(loss: Loss, expected: float):
    assert loss(logits(0.8), torch.tensor([0])).tolist() == pytest.approx([expected], rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_one_value_a_pair_and_its_own_gradient(name: str):
    loss = loss_of(name)
    x = torch.randn(4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert loss(x, LABEL).shape == (4,)
    assert (loss(x, LABEL) >= 0).all()
    assert torch.autograd.gradcheck(lambda x: loss(x, LABEL), x)
    for other in range(4):  # a pair's loss is its own
        alone = loss(x[other : other + 1], LABEL[other : other + 1])
        assert torch.allclose(alone, loss(x, LABEL)[other])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [0.0, 30.0, 200.0])
def test_no_logit_breaks_a_loss(name: str, size: float):
    x = (size * torch.tensor([[1.0, -1.0], [1.0, -1.0]])).requires_grad_()
    loss_of(name)(x, torch.tensor([0, 1])).sum().backward()
    assert x.grad.isfinite().all()


def test_a_wrong_label_pulls_less_on_generalised_cross_entropy():
    def pull(loss: Loss, p_label: float) -> float:
        x = logits(p_label).requires_grad_()
        loss(x, torch.tensor([0])).sum().backward()
        return float(x.grad.abs().max())

    surely_wrong, undecided = 0.01, 0.4
    assert pull(CrossEntropy(), surely_wrong) > pull(CrossEntropy(), undecided)
    assert pull(GeneralisedCrossEntropy(), surely_wrong) < pull(GeneralisedCrossEntropy(), undecided)
    assert pull(Focal(), 0.95) / pull(CrossEntropy(), 0.95) < 0.03  # forgets what is right


@pytest.mark.parametrize(
    ("cls", "keys", "named"),
    [
        (CrossEntropy, {"smoothing": 2.0}, "smoothing=2.0"),
        (CrossEntropy, {"weight": [1.0]}, "weight="),
        (CrossEntropy, {"weight": [-1.0, 1.0]}, "weight="),
        (Focal, {"gamma": -1.0}, "gamma=-1.0"),
        (Focal, {"alpha": [0.0, 0.0]}, "alpha="),
        (GeneralisedCrossEntropy, {"q": 0.0}, "q=0.0"),
        (GeneralisedCrossEntropy, {"q": 1.5}, "q=1.5"),
    ],
)
def test_a_setting_out_of_its_range_is_named(cls: Any, keys: dict[str, Any], named: str):
    with pytest.raises(InputError, match=named):
        cls(**keys)
