"""One layer of a Kolmogorov-Arnold network: a basis, then one linear map."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.basis import Basis, chebyshev
from oresort.models.checks import positive

INITS = ("linear", "paper")


class KANLayer(nn.Module):
    """y_o = sum_i sum_{n=0..degree} c[n, i, o] B_n(x_i) with B_0 = 1: (..., in) -> (..., out).

    The coefficients are one parameter ((degree + 1) * in, out), degree-major, so that the whole layer is one
    matrix product over contiguous columns. The constants keep one coefficient for every edge, as in the
    paper: merged into a single bias they would learn `in` times slower under Adam.

    Starts:
        "paper": every coefficient N(0, (1 / (in (degree + 1)))^2). The signal shrinks about seven times a
            layer, so a deep stack feeds next to no gradient to what lies below.
        "linear": B_1 by Glorot with the gain of tanh (5/3), B_n times 0.3 / n^2, no constant. The slope of
            T_n grows like n^2; damping it so keeps both signal and gradient alive through six layers.

    Raises:
        InputError: a size or the degree below 1, or an unknown start.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        degree: int = 6,
        init: str = "linear",
        basis: Basis = chebyshev,
    ) -> None:
        super().__init__()
        if init not in INITS:
            raise InputError(f"init={init!r}: known are {', '.join(INITS)}")
        self.in_features = positive("in_features", in_features)
        self.out_features = positive("out_features", out_features)
        self.degree = positive("degree", degree)
        self.init = init
        self.basis = basis
        self.coefficients = nn.Parameter(torch.empty((degree + 1) * in_features, out_features))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw the coefficients anew from the global generator."""
        if self.init == "paper":
            self.coefficients.normal_(std=1 / (self.in_features * (self.degree + 1)))
            return
        glorot = 5 / 3 * math.sqrt(2 / (self.in_features + self.out_features))
        for n, block in enumerate(torch.split(self.coefficients, self.in_features)):
            block.normal_(std=glorot * (1 if n == 1 else 0.3 / n**2)) if n else block.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out) in the coefficients' type, or in autocast's."""
        # half types lose T_6 to rounding (0.08 in bfloat16): only the product may run in them
        wide = x if x.dtype == torch.float64 else x.float()
        columns = torch.cat(self.basis(wide, self.degree), dim=-1)  # (..., degree * in)
        # split, not slices: the backward of a slice zero-fills the whole parameter
        constant, weight = torch.split(self.coefficients, [self.in_features, self.degree * self.in_features])
        return F.linear(columns.to(weight.dtype), weight.T, constant.sum(0))

    def extra_repr(self) -> str:
        """Say the sizes and the start in the module's printed form."""
        return f"{self.in_features}, {self.out_features}, degree={self.degree}, init={self.init}"
