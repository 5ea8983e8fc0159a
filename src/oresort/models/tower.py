"""Towers: the networks that turn one image into one feature vector."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from oresort.models.checks import positive
from oresort.models.checks import widths as checked


class Tower(nn.Module):
    """A chain of stages, then global average pooling: image (B, C, H, W) -> vector (B, dim).

    A tower takes `channels` as a keyword beside its own settings. `PairNet` runs all towers stage by stage,
    so that a fusion can let them exchange what they see.

    Attributes:
        stages: the chain; each maps (B, C, H, W) to (B, C', H', W').
        widths: channels after each stage.
    """

    def __init__(self, stages: Iterable[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(widths)

    @property
    def dim(self) -> int:
        """Width of the vector."""
        return self.widths[-1]

    def pool(self, maps: Tensor) -> Tensor:
        """Average (B, dim, H, W) over the image: (B, dim)."""
        return maps.mean((2, 3))

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, dim)."""
        for stage in self.stages:
            image = stage(image)
        return self.pool(image)


class PaperTower(Tower):
    """The paper's tower: stem, residual blocks, attention. Any image size; 1 x 40 x 40 in the paper.

    Guo et al., Minerals 2025, 15(11), 1150. For one channel it has 619,714 parameters. The published code
    adds a linear layer 128 -> 2 to each tower that its dual model never uses; it is left out here.

    Args:
        channels: of the image.
        widths: channels of the stem and of each residual block.
        squeeze: width of the bottleneck of the channel attention.

    Raises:
        InputError: a size below 1, or no width at all.
    """

    def __init__(self, channels: int, widths: Sequence[int] = (32, 64, 128), squeeze: int = 8) -> None:
        sizes = checked("widths", widths, least=1)
        stem = nn.Sequential(
            nn.Conv2d(channels, sizes[0], 7, stride=2, padding=3, bias=False),  # halves H and W
            nn.BatchNorm2d(sizes[0]),
            nn.ReLU(inplace=True),
        )
        blocks = [ResidualBlock(i, o) for i, o in pairwise(sizes)]
        attention = Attention(sizes[-1], positive("squeeze", squeeze))
        super().__init__((stem, *blocks, attention), (*sizes, sizes[-1]))


class CompactTower(Tower):
    """A small tower for the line's computer: 3x3 convolutions, halved by maxima between stages. Any image size.

    The first stage has two convolutions at full resolution, where the grain of the rock is; each later one has
    one. Of two channels it has 16,608 parameters and does 1/71 of the work of the paper's two towers.

    Args:
        channels: of the image.
        widths: channels of each stage; each but the first halves H and W.

    Raises:
        InputError: a size below 1, or no width at all.
    """

    def __init__(self, channels: int, widths: Sequence[int] = (16, 32, 32)) -> None:
        sizes = checked("widths", widths, least=1)
        first = nn.Sequential(*_convolution(channels, sizes[0]), *_convolution(sizes[0], sizes[0]))
        later = [
            nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), *_convolution(i, o)) for i, o in pairwise(sizes)
        ]
        super().__init__((first, *later), sizes)


def _convolution(channels: int, width: int) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """The paper's improved residual block: a 3x3 and a 5x5 convolution beside a 1x1 projection, stride 1."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 5, padding=2),
            nn.BatchNorm2d(width),
        )
        self.project = nn.Sequential(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, width, H, W)."""
        return torch.relu(self.body(x) + self.project(x))


class Attention(nn.Module):
    """Channel, then spatial attention, as in CBAM (Woo et al., ECCV 2018); keeps the shape."""

    def __init__(self, width: int, squeeze: int) -> None:
        super().__init__()
        self.channel = nn.Sequential(
            nn.Linear(width, squeeze, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(squeeze, width, bias=False),
        )
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        weight = torch.sigmoid(self.channel(x.mean((2, 3))) + self.channel(x.amax((2, 3))))  # (B, C)
        x = x * weight[:, :, None, None]
        extent = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), dim=1)  # (B, 2, H, W)
        return x * torch.sigmoid(self.spatial(extent))
