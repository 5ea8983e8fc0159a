"""One layer of a Kolmogorov-Arnold network: a basis, then one linear map."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.checks import positive
from oresort.models.kan.bases import Chebyshev
from oresort.models.kan.basis import Basis


class KANLayer(nn.Module):
    """y_o = sum_i sum_{n=0..N} c[n, i, o] B_n(x_i) with B_0 = 1: (..., in) -> (..., out).

    The coefficients are one parameter ((N + 1) * in, out), column-major, so that the whole layer is one matrix product
    over contiguous columns. They start as `init` says, see `INITS`. The constants keep one coefficient for every edge,
    as in the paper: merged into a single bias they would learn `in` times slower under Adam.

    Raises:
        InputError: a size below 1, or an unknown start.
    """

    def __init__(self, in_features: int, out_features: int, basis: Basis | None = None, init: str = "linear") -> None:
        super().__init__()
        if init not in INITS:
            raise InputError(f"init={init!r}: known are {', '.join(INITS)}")
        self.in_features = positive("in_features", in_features)
        self.out_features = positive("out_features", out_features)
        self.basis = basis or Chebyshev()  # to degree 6, the paper's
        self.init = init
        self.coefficients = nn.Parameter(torch.empty((self.basis.columns + 1) * in_features, out_features))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the coefficients anew from the global generator."""
        for std, block in zip(INITS[self.init](self), torch.split(self.coefficients, self.in_features), strict=True):
            block.normal_(std=std) if std else block.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out) in the coefficients' type, or in autocast's."""
        # half types lose T_6 to rounding (0.08 in bfloat16): only the product may run in them
        wide = x if x.dtype == torch.float64 else x.float()
        columns = torch.cat(self.basis(wide), dim=-1)  # (..., N * in)
        # split, not slices: the backward of a slice zero-fills the whole parameter
        constant, weight = torch.split(self.coefficients, [self.in_features, columns.shape[-1]])
        return F.linear(columns.to(weight.dtype), weight.T, constant.sum(0))

    def extra_repr(self) -> str:
        """Say the sizes and the start in the module's printed form."""
        return f"{self.in_features}, {self.out_features}, {self.basis!r}, init={self.init}"


def _paper(layer: KANLayer) -> list[float]:
    count = layer.basis.columns + 1
    return [1 / (layer.in_features * count)] * count


def _linear(layer: KANLayer) -> list[float]:
    glorot = 5 / 3 * math.sqrt(2 / (layer.in_features + layer.out_features))  # 5 / 3: the gain of tanh
    return [0.0, *(glorot * start for start in layer.basis.start)]


def _lecun(layer: KANLayer) -> list[float]:
    total = 1 + sum(layer.basis.moments[0])
    return [1 / math.sqrt(layer.in_features * total)] * (layer.basis.columns + 1)


def _glorot(layer: KANLayer) -> list[float]:
    count = layer.basis.columns + 1
    values, slopes = layer.basis.moments
    pairs = zip((1.0, *values), (0.0, *slopes), strict=True)
    return [math.sqrt(2 / (count * (layer.in_features * value + layer.out_features * slope))) for value, slope in pairs]


INITS = {"linear": _linear, "paper": _paper, "lecun": _lecun, "glorot": _glorot}
"""Standard deviations of the coefficients of B_0 ... B_N, drawn from normal distributions around 0.

linear: Glorot's for one nearly straight column with the gain of tanh, the others damped by `Basis.start`, no constant;
    keeps signal and gradient alive through six layers.
paper: 1 / (in (N + 1)) for all. The signal shrinks about seven times a layer, and in a deep stack the gradient too.
lecun: all alike, such that the output has unit variance for inputs of N(0, 1).
glorot: for each column 2 / ((N + 1) (in E[B^2] + out E[B'^2])), after Rigas et al., arXiv 2510.23501.
"""
