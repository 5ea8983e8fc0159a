"""The compact tower."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from oresort.models.checks import widths as checked
from oresort.models.towers.tower import Tower


class CompactTower(Tower):
    """A small tower for the line's computer: 3x3 convolutions, halved by maxima between stages. Any image size.

    The first of `widths` is that of two convolutions at full resolution, where the grain of the rock is; each later one
    is one convolution's. Of two channels it has 16,608 parameters and does 1/71 of the work of the paper's two towers.

    Raises:
        InputError: a size below 1, or no width at all.
    """

    def __init__(self, channels: int, widths: Sequence[int] = (16, 32, 32)) -> None:
        sizes = checked("widths", widths, least=1)
        first = nn.Sequential(*_convolution(channels, sizes[0]), *_convolution(sizes[0], sizes[0]))
        later = [nn.Sequential(nn.MaxPool2d(2, ceil_mode=True), *_convolution(i, o)) for i, o in pairwise(sizes)]
        super().__init__((first, *later), sizes)


def _convolution(channels: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
