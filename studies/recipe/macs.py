"""The work of a network."""

import torch
from torch import Tensor, nn

from oresort.models.pairnet import PairNet


def macs(net: PairNet, channels: int, size: int) -> float:
    """Return the multiplications of convolutions and linear layers for one pair, images (channels, size, size)."""
    found = [0.0]

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, Tensor)
        found[0] += weight.numel() * (output[0, 0].numel() if output.dim() == 4 else 1)

    layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    blank = torch.zeros(1, channels, size, size)
    with torch.no_grad():
        net.eval()(blank, blank)
    for hook in hooks:
        hook.remove()
    return found[0]
