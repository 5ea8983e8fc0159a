"""Bases of the learned univariate functions of a KAN.

A basis maps x of shape (..., in) and a degree to that many columns, each (..., in). It leaves out the
constant function, which every KAN layer holds by itself.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Basis = Callable[[Tensor, int], list[Tensor]]


def chebyshev(x: Tensor, degree: int) -> list[Tensor]:
    """Return the Chebyshev polynomials T_1 ... T_degree of tanh(x).

    By the recurrence T_{n+1} = 2 u T_n - T_{n-1} (Abramowitz & Stegun 22.7.4) with u = tanh(x) in [-1, 1].
    Its gradient is finite everywhere; that of cos(n arccos u) is NaN as soon as tanh rounds to 1.

    Args:
        x: (..., in), any floating type; float32 or wider keeps six degrees to 1e-6.
        degree: at least 1.
    """
    u = torch.tanh(x)
    double = 2 * u
    columns = [u, double * u - 1]
    while len(columns) < degree:
        columns.append(double * columns[-1] - columns[-2])
    return columns[:degree]
