"""Maps of models whose answer is known: what decides is what is named, of every tower and energy."""

import pytest

pytest.importorskip("captum", reason="captum is not installed: pip install 'oresort[train]'")

import torch
from torch import nn

from oresort.errors import InputError
from oresort.models.attribution import grad_cam, has_maps, integrated_gradients, looked_at, margin
from oresort.models.build import build_model
from oresort.models.fusions.data import Stack
from oresort.models.fusions.feature import Sum
from oresort.models.heads.head import Head
from oresort.models.pairnet import PairNet
from oresort.models.towers.tower import Tower
from oresort.paths import part


class Bright(Head):
    """Ore is what all features say, waste its opposite."""

    def __init__(self, in_features: int) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack((-x.sum(1), x.sum(1)), 1)


def bright(channels: int) -> Tower:
    """A tower that sees nothing but what is brighter than 1."""
    layer = nn.Conv2d(channels, 1, 1)
    nn.init.ones_(layer.weight)
    nn.init.constant_(layer.bias, -1.0)
    return Tower([nn.Sequential(layer, nn.ReLU(inplace=True))], (1,))


def edges(channels: int) -> Tower:
    """A tower that sees where neighbours differ by more than 0.3: outlines alone, of a flat particle."""
    layer = nn.Conv2d(channels, 2, (1, 2), padding=(0, 1), bias=True)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]])[:, None, None, :].expand_as(layer.weight))
        layer.bias.fill_(-0.3)
    return Tower([nn.Sequential(layer, nn.ReLU())], (2,))


def flat(grain: tuple[int, int] | None = None) -> torch.Tensor:
    """A flat particle of 0.8 in the middle half of 16 x 16, with a bright grain."""
    image = torch.zeros(1, 1, 16, 16)
    image[..., 4:12, 4:12] = 0.8
    if grain:
        image[..., grain[0], grain[1]] = 3.0
    return image


@pytest.mark.parametrize("share", [False, True])
def test_a_bright_grain_decides_in_the_layer_and_the_tower_where_it_is(share: bool):
    net = PairNet(bright, Sum(), Bright, share=share).eval()
    low, high, empty = flat((6, 9)), flat((10, 5)), torch.zeros(1, 1, 16, 16)
    cams = grad_cam(net, low, high)
    assert len(cams) == 2  # of a shared tower, too
    for cam, place in zip(cams, ((6, 9), (10, 5)), strict=True):
        assert cam.nonzero().tolist() == [[0, *place]]
        assert cam[0, *place] > 0
    parts, missing = integrated_gradients(net, (low, high), (empty, empty), 64)
    assert [parts[0, tower, energy].abs().max() > 0 for tower in (0, 1) for energy in (0, 1)] == [1, 0, 0, 1]
    assert parts[0, 0, 0].abs().argmax() == 6 * 16 + 9
    assert parts[0, 1, 1].abs().argmax() == 10 * 16 + 5
    assert looked_at(net, low, high) == [("low",), ("high",)]
    assert abs(missing[0]) < 0.02 * margin(net(low, high))[0]


def test_an_outline_that_decides_is_named():
    net = PairNet(edges, Stack(), Bright).eval()
    image, empty = flat(), torch.zeros(1, 1, 16, 16)
    cam = grad_cam(net, image, image)[0][0]  # (16, 17)
    columns = {int(column) for _, column in cam.nonzero().tolist()}
    assert columns == {4, 12}
    parts, _ = integrated_gradients(net, (image, image), (empty, empty), 32)
    assert {int(column) for _, column in parts[0, 0, 0].nonzero().tolist()} == {4, 11}


@pytest.mark.parametrize("fusion", ["hybrid", "sum", "stack", "low", "mmtm", "evidential"])
def test_parts_add_up_to_the_answer_for_every_kind_of_fusion(fusion: str):
    torch.manual_seed(0)
    tower, head = part("model/tower", "compact", widths=[4, 8]), part("model/head", "kan", widths=[4])
    net = build_model(
        {"tower": tower, "fusion": part("model/fusion", fusion), "head": {**head, "init": "linear", "norm": True}}
    ).eval()
    low, high, empty = torch.rand(3, 1, 12, 12), torch.rand(3, 1, 12, 12), torch.zeros(3, 1, 12, 12)
    parts, missing = integrated_gradients(net, (low, high), (empty, empty), 100)
    change = margin(net(low, high)) - margin(net(empty, empty))
    assert parts.shape == (3, len(net.dims), len(net.fusion.energies), 12, 12)
    torch.testing.assert_close(parts.sum((1, 2, 3, 4)) - missing, change.detach(), atol=1e-5, rtol=1e-4)
    assert (missing.abs() < 0.05 * change.abs() + 1e-4).all()
    assert len(grad_cam(net, low, high)) == len(net.dims)


def test_a_tower_without_maps_is_told_and_still_has_gradients():
    tower = {"_target_": "oresort.models.towers.published.TimmTower", "name": "resnet10t", "size": 32}
    head = {"_target_": "oresort.models.heads.mlp.Linear"}
    net = build_model({"tower": tower, "fusion": part("model/fusion", "stack"), "head": head}).eval()
    image = torch.rand(2, 1, 32, 32)
    assert not has_maps(net, image, image)
    with pytest.raises(InputError, match="vectors, no maps"):
        grad_cam(net, image, image)
    parts, _ = integrated_gradients(net, (image, image), (0 * image, 0 * image), 4)
    assert parts.shape == (2, 1, 2, 32, 32)


def test_frozen_weights_are_no_obstacle_and_nan_is_refused():
    net = PairNet(bright, Sum(), Bright).eval().requires_grad_(False)
    assert grad_cam(net, flat((6, 9)), flat())[0].max() > 0
    next(net.parameters()).fill_(torch.nan)
    with pytest.raises(InputError, match="not finite"):
        grad_cam(net, flat(), flat())
    with pytest.raises(InputError, match="not finite"):
        integrated_gradients(net, (flat(), flat()), (0 * flat(), 0 * flat()), 4)
