"""Starts that were tried for the recipe's tower: a whitening first layer, and identities with fixed norms."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oresort.errors import InputError
from oresort.models.towers.lite import LiteTower

_LEAST = 1e-4  # of a variance that is divided by, as a share of the largest


class Whitened(LiteTower):
    """A lite tower whose first convolution whitens patches of its first training batch, and stays so.

    Its filters are the leading principal patches over their deviations, each with its negation (Jordan, 2024, on fast
    training of small networks), so its first width is even.
    """

    seen: Tensor

    def __init__(
        self, channels: int, widths: Sequence[int] = (8, 16, 32, 32), strided: int = 2, kernel: int = 5
    ) -> None:
        super().__init__(channels, widths, strided, kernel)
        if self.widths[0] % 2:
            raise InputError(f"Whitened: widths={list(self.widths)}: begin with an even number")
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))
        first = convolutions(self)[0]
        first.weight.requires_grad_(False)
        first.register_forward_pre_hook(self._begin)

    def _begin(self, layer: nn.Module, inputs: tuple[Tensor]) -> None:
        if not self.training or self.seen:
            return
        assert isinstance(layer, nn.Conv2d)
        with torch.no_grad(), torch.autocast(inputs[0].device.type, enabled=False):
            layer.weight.copy_(whitening(inputs[0].float(), layer.kernel_size[0], len(layer.weight)))
            self.seen.fill_(True)


def whitening(images: Tensor, side: int, count: int) -> Tensor:
    """Return filters (count, C, side, side) for images (B, C, H, W), half of them the negations of the others."""
    patches = F.unfold(images, side).transpose(1, 2).flatten(0, 1)  # (patches, C side side)
    patches = patches[patches.abs().sum(1) > 0]  # of the particle: most of an image may be empty
    variance, axes = torch.linalg.eigh(torch.cov(patches.T))  # ascending
    best = variance.flip(0)[: count // 2], axes.flip(1)[:, : count // 2]
    filters = (best[1] / best[0].clamp_min(_LEAST * float(variance[-1])).sqrt()).T  # (count / 2, C side side)
    return torch.cat([filters, -filters]).reshape(count, images.shape[1], side, side)


class Identity(LiteTower):
    """A lite tower that passes its channels on at first; the scales of its norms stay at 1."""

    def __init__(
        self, channels: int, widths: Sequence[int] = (8, 16, 32, 32), strided: int = 2, kernel: int = 5
    ) -> None:
        super().__init__(channels, widths, strided, kernel)
        for layer in convolutions(self):
            nn.init.dirac_(layer.weight[: layer.in_channels])
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.weight.requires_grad_(False)


def convolutions(tower: nn.Module) -> list[nn.Conv2d]:
    """Return a tower's convolutions, in their order."""
    return [layer for layer in tower.modules() if isinstance(layer, nn.Conv2d)]
