"""The face of every basis of a KAN's learned univariate functions."""

from abc import ABC, abstractmethod
from functools import cached_property

import torch
from torch import Tensor


class Basis(ABC):
    """A set of functions of one number, the same for every edge of a KAN layer.

    All are functions of u = tanh(x), so that no input lies outside of them. The constant function is left out: every
    KAN layer holds it by itself. A basis has no weights.
    """

    columns: int  # how many functions
    start: tuple[float, ...]
    """How strongly the coefficients of each column begin under `init="linear"`, relative to one column that alone makes
    nearly a straight line."""

    @abstractmethod
    def __call__(self, x: Tensor) -> list[Tensor]:
        """Map x (..., in), float32 or wider, to `columns` tensors of its shape."""

    @cached_property
    def moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """E[B_n(x)^2] and E[B_n'(x)^2] of every column for x ~ N(0, 1), by the trapezoid rule on [-8, 8]."""
        x = torch.linspace(-8, 8, 4001, dtype=torch.float64).requires_grad_()
        density = torch.exp(-(x.detach() ** 2) / 2)
        density = density / density.sum()
        values, slopes = [], []
        with torch.enable_grad():
            for column in self(x):
                (slope,) = torch.autograd.grad(column.sum(), x, retain_graph=True)
                values.append(float((density * column.detach() ** 2).sum()))
                slopes.append(float((density * slope**2).sum()))
        return tuple(values), tuple(slopes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.columns} columns)"
