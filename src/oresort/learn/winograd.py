"""Convolutions that multiply less, for an exported model: Winograd's, of 3 x 3 and 5 x 5 pixels."""

import copy
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Module = TypeVar("Module", bound=nn.Module)

_TILE = 4  # pixels of a side that one product gives; larger ones lose digits
_POINTS = {3: (0, 1, -1, 0.5, -2), 5: (0, 1, -1, 2, -2, 0.5, -0.5)}
"""Where polynomials are evaluated, by side of the kernel, beside infinity: those by which few digits are lost."""

_CHANNELS = 64  # of fewer, sums over them cost less than turning tiles and back
_SIDE = 8  # pixels; a smaller map is mostly the rim of its tiles


def lean(net: Module) -> Module:
    """Return a copy of a network in evaluation whose wide convolutions multiply less, with batch norms folded in.

    Those in an `nn.Sequential`: elsewhere nothing says whether a norm follows, and one that is not folded in takes back
    what is won.
    """
    net = copy.deepcopy(net)
    for layers in list(net.modules()):
        if not isinstance(layers, nn.Sequential):
            continue
        for place, layer in enumerate(layers):
            if isinstance(layer, nn.Conv2d) and _pays(layer):
                after = layers[place + 1] if place + 1 < len(layers) else None
                if isinstance(after, nn.BatchNorm2d):
                    layer, layers[place + 1] = fuse_conv_bn_eval(layer, after), nn.Identity()
                layers[place] = Winograd(layer)
    return net


def multiplies_less(net: nn.Module) -> bool:
    """Tell whether `lean` has changed a network."""
    return any(isinstance(layer, Winograd) for layer in net.modules())


def _pays(conv: nn.Conv2d) -> bool:
    plain = conv.stride == conv.dilation == (1, 1) and conv.groups == 1 and conv.padding_mode == "zeros"
    side = conv.kernel_size[0]
    square = conv.kernel_size == (side, side) and side in _POINTS and conv.padding == (side // 2, side // 2)
    return plain and square and min(conv.in_channels, conv.out_channels) >= _CHANNELS


class Winograd(nn.Module):
    """A convolution of stride 1 that keeps the size, by products of the points of polynomials.

    Tiles of 4 x 4 pixels of 5 x 5 sums take 64 products a pair of channels instead of 400, of 3 x 3 sums 36 instead of
    144. Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016; the transforms are those of Toom
    and Cook. All of it is products of matrices over whole rows, so that an image of any size needs no padding, in a
    layout in which neither channels nor pairs are moved one by one. In float32 the last two digits of a sum change.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        self.side = conv.kernel_size[0]
        self.points = _TILE + self.side - 1
        self.values, self.kernels, self.inputs = transforms(self.side)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, O, H, W)."""
        channels, height, width = x.shape[1:]
        if min(height, width) < _SIDE:
            y: Tensor = self.conv(x)
            return y
        n, out = self.points, self.conv.out_channels
        down, right = (-(-size // _TILE) for size in (height, width))  # tiles
        values, kernels = _float(self.values), _float(self.kernels)
        z = x.permute(2, 3, 0, 1).reshape(height, -1)  # (H, W B C)
        z = (self._rows(height) @ z).reshape(n * down, width, -1)
        z = self._rows(width) @ z  # (n down, n right, B C)
        z = z.reshape(n, down, n, -1).transpose(1, 2).reshape(n, n, -1, channels)  # (n, n, down right B, C)
        weight = torch.einsum("xi,ocij,yj->xyco", kernels, self.conv.weight, kernels)  # constant: folded when opened
        z = z @ weight  # (n, n, down right B, O)
        z = (values @ z.reshape(n, -1)).reshape(_TILE, n, -1)
        z = (values @ z).reshape(_TILE, _TILE, down, right, -1)  # (4, 4, down, right, B O)
        # (H, W, B, O), in two steps: each moves whole runs of memory, one of all axes would move single numbers
        z = z.permute(2, 0, 3, 1, 4).reshape(_TILE * down, _TILE * right, -1, out)[:height, :width]
        if self.conv.bias is not None:
            z = z + self.conv.bias
        return z.permute(2, 3, 0, 1)

    def _rows(self, size: int) -> Tensor:
        """Return what turns a row of pixels into the points of its tiles (n tiles, size), nothing beyond its ends."""
        tiles = -(-size // _TILE)
        found = np.zeros((self.points, tiles, size))
        for tile in range(tiles):
            for place in range(self.points):
                pixel = tile * _TILE + place - self.side // 2
                if 0 <= pixel < size:
                    found[:, tile, pixel] = self.inputs[:, place]
        return _float(found.reshape(-1, size))


def transforms(side: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrices of sums over `side` (3 or 5) pixels: values (4, n), kernels (n, side), inputs (n, n).

    `values @ ((kernels @ g) * (inputs @ d))` are the 4 sums of n pixels d with a kernel g.
    """
    points = np.array(_POINTS[side], np.float64)
    n = len(points) + 1
    values, kernels = (np.eye(1, n, n - 1).repeat(count, 0) for count in (_TILE, side))  # infinity: the last power
    for matrix in (values, kernels):
        matrix[:-1, -1] = 0
        matrix[:, :-1] = points ** np.arange(len(matrix))[:, None]
    apart = points[:, None] - points + np.eye(n - 1)
    kernels[:, :-1] /= apart.prod(1)  # as interpolation divides: inputs are whole numbers and quarters then
    # the sums must come out for each kernel of one pixel and each input of one: linear, with one solution
    products = (values[:, None] * kernels).reshape(-1, n)  # (4 side, n)
    wanted = np.array([np.arange(n) == i + j for i in range(_TILE) for j in range(side)], np.float64)
    return values, kernels.T, np.asarray(np.linalg.lstsq(products, wanted)[0].round(9), np.float64)


def _float(matrix: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(matrix).float()
