"""Hybrids: two towers that both see both energies; their vectors are added."""

import torch
from torch import Tensor

from oresort.models.fusions.feature import Sum


class Hybrid(Sum):
    """The paper's: one tower sees the energies' sum, the other their difference; the vectors are added.

    Never share one tower between the two: for a linear tower f(l + h) + f(l - h) = 2 f(l), and the high energy is gone.
    """

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return two images (B, C, H, W): low + high and low - high."""
        return low + high, low - high


class StackBoth(Sum):
    """Both towers see both energies as channels.

    Holds `Hybrid` as a special case (first layers tied to low + high and low - high), so tells what the tie is worth.
    """

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Return two images (B, 2C, H, W)."""
        stacked = torch.cat((low, high), dim=1)
        return stacked, stacked
