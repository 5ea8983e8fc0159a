"""The lite tower."""

from collections.abc import Sequence

from torch import nn

from oresort.errors import InputError
from oresort.models.checks import positive
from oresort.models.checks import widths as checked
from oresort.models.towers.tower import Tower


class LiteTower(Tower):
    """The smallest tower that loses next to nothing: small convolutions, one a stage. Any image size.

    The first `strided` of `widths` halve the image as they go, which keeps full resolution cheap; the next one keeps
    its size, and each later one has halved it by maxima before. `kernel` is the odd side of the first convolution. Of
    two channels of 56 x 56 it does 1.9 million multiplications, a quarter of `CompactTower`'s of 40 x 40, with 15,552
    parameters.

    Raises:
        InputError: a size below 1, no width at all, an even kernel, or a number of strided stages that is none of 0 to
            theirs.
    """

    def __init__(
        self, channels: int, widths: Sequence[int] = (8, 16, 32, 32), strided: int = 2, kernel: int = 5
    ) -> None:
        sizes = checked("widths", widths, least=1)
        if isinstance(strided, bool) or not 0 <= strided <= len(sizes):
            raise InputError(f"strided={strided}: give a number of stages, 0 to {len(sizes)}")
        if positive("kernel", kernel, most=255) % 2 == 0:
            raise InputError(f"kernel={kernel}: give an odd number of pixels, e.g. 5")
        stages, before = [], channels
        for number, size in enumerate(sizes):
            halved: list[nn.Module] = [nn.MaxPool2d(2, ceil_mode=True)] if number > strided else []
            stride = 2 if number < strided else 1
            side = 3 if number else kernel
            convolution = nn.Conv2d(before, size, side, stride=stride, padding=side // 2, bias=False)
            stages.append(nn.Sequential(*halved, convolution, nn.BatchNorm2d(size), nn.ReLU(inplace=True)))
            before = size
        super().__init__(stages, sizes)
