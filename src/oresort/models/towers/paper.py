"""The paper's tower."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from oresort.models.checks import positive
from oresort.models.checks import widths as checked
from oresort.models.towers.tower import Tower


class PaperTower(Tower):
    """The paper's tower: stem, residual blocks, attention. Any image size; 1 x 40 x 40 in the paper.

    Guo et al., Minerals 2025, 15(11), 1150. `widths` are those of the stem and of each residual block, `squeeze` that
    of the attention's bottleneck. For one channel it has 619,714 parameters. The published code adds a linear layer
    128 -> 2 to each tower that its dual model never uses; it is left out here.

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
        down, up = nn.Linear(width, squeeze, bias=False), nn.Linear(squeeze, width, bias=False)
        self.channel = nn.Sequential(down, nn.ReLU(inplace=True), up)
        self.spatial = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C, H, W)."""
        weight = torch.sigmoid(self.channel(x.mean((2, 3))) + self.channel(x.amax((2, 3))))  # (B, C)
        x = x * weight[:, :, None, None]
        extent = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), dim=1)  # (B, 2, H, W)
        return x * torch.sigmoid(self.spatial(extent))
