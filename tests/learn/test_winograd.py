"""Convolutions that multiply less are those of the network, to a few digits of float32, wherever they are put."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from oresort.learn.winograd import Winograd, lean, transforms
from oresort.models.towers.paper import PaperTower


@pytest.mark.parametrize("side", [3, 5])
def test_the_transforms_give_sums_of_pixels(side: int):
    values, kernels, inputs = transforms(side)
    n = side + 3
    assert (values.shape, kernels.shape, inputs.shape) == ((4, n), (n, side), (n, n))
    rng = np.random.default_rng(side)
    for _ in range(20):
        pixels, kernel = rng.normal(size=n), rng.normal(size=side)
        found = values @ ((kernels @ kernel) * (inputs @ pixels))
        np.testing.assert_allclose(found, np.correlate(pixels, kernel), atol=1e-12)
    for matrix in (values, inputs):
        assert (matrix == matrix.astype(np.float32)).all()


@settings(max_examples=25, deadline=None)
@given(
    side=st.sampled_from([3, 5]), height=st.integers(8, 21), width=st.integers(8, 21), batch=st.integers(1, 3),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)), bias=st.booleans(), seed=st.integers(0, 99),
)  # fmt: skip
def test_it_is_the_convolution_of_any_size(
    side: int, height: int, width: int, batch: int, channels: tuple[int, int], bias: bool, seed: int
):
    torch.manual_seed(seed)
    conv = nn.Conv2d(*channels, side, padding=side // 2, bias=bias)
    x = torch.randn(batch, channels[0], height, width)
    with torch.no_grad():
        found, exact = Winograd(conv)(x), conv.double()(x.double())
    assert found.shape == exact.shape
    assert float((found - exact).abs().max()) < 3e-5 * float(exact.abs().max())


def test_a_small_map_is_left_to_the_convolution():
    conv, x = nn.Conv2d(3, 2, 3, padding=1), torch.randn(1, 3, 7, 20)
    torch.testing.assert_close(Winograd(conv)(x), conv(x), rtol=0, atol=0)


def test_the_papers_tower_answers_alike_with_norms_folded_in():
    torch.manual_seed(0)
    tower = PaperTower(1)
    x = torch.rand(8, 1, 40, 40)
    for _ in range(5):
        tower(x)  # running statistics off their start
    tower.eval()
    names = [type(module).__name__ for module in tower.modules()]
    before = {key: value.clone() for key, value in tower.state_dict().items()}
    found = lean(tower)
    with torch.no_grad():
        expected = tower(x)
        np.testing.assert_allclose(found(x), expected, atol=2e-5 * float(expected.abs().max()))
    assert [m.conv.kernel_size[0] for m in found.modules() if isinstance(m, Winograd)] == [5, 3, 5]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in found.modules()) == names.count("BatchNorm2d") - 3
    assert [type(module).__name__ for module in tower.modules()] == names
    assert all(torch.equal(value, before[key]) for key, value in tower.state_dict().items())


@pytest.mark.parametrize(
    "other",
    [
        {"stride": 2}, {"dilation": 2, "padding": 2}, {"groups": 64}, {"padding": 0}, {"padding": "same"},
        {"padding_mode": "circular"}, {"kernel_size": 7, "padding": 3}, {"kernel_size": 1, "padding": 0},
        {"kernel_size": (3, 5), "padding": (1, 2)}, {"out_channels": 32}, {"in_channels": 32},
    ],
)  # fmt: skip
def test_what_it_does_not_do_or_does_not_pay_stays(other: dict[str, Any]):
    keys = {"in_channels": 64, "out_channels": 64, "kernel_size": 3, "padding": 1} | other
    net = nn.Sequential(nn.Conv2d(**keys), nn.BatchNorm2d(keys["out_channels"])).eval()
    assert [type(module) for module in lean(net)] == [nn.Conv2d, nn.BatchNorm2d]


class Apart(nn.Module):
    """A norm that is listed after a convolution, and does not follow it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64)


def test_only_what_stands_in_a_sequence_is_certain_to_follow():
    found = lean(nn.Sequential(Apart(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()).eval())
    kinds = [type(module) for module in found.modules()]
    assert kinds == [nn.Sequential, Apart, nn.Conv2d, nn.BatchNorm2d, Winograd, nn.Conv2d, nn.ReLU]
