"""The fusions. Each is one class here and one file in conf/model/fusion/."""

import torch
from torch import Tensor

from oresort.models.fusion import Fusion


class Mean(Fusion):
    """Decision level: a tower and a head for each energy, the logits averaged."""


class Stack(Fusion):
    """Data level: one tower sees both energies as channels."""

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return one image (B, 2C, H, W)."""
        return (torch.cat((low, high), dim=1),)


class Sum(Fusion):
    """Feature level: the towers' vectors are added."""

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        return (torch.stack(vectors).sum(0),)


class Concat(Fusion):
    """Feature level: the towers' vectors are chained."""

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, sum of all dims)."""
        return (torch.cat(vectors, dim=1),)


class Hybrid(Sum):
    """The paper's: one tower sees the energies' sum, the other their difference; the vectors are added.

    Never share one tower between the two: for a linear tower f(l + h) + f(l - h) = 2 f(l), and the high
    energy is gone.
    """

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return two images (B, C, H, W): low + high and low - high."""
        return low + high, low - high
