"""The face of every fusion of a low- and a high-energy image."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from oresort.errors import InputError


class Fusion(nn.Module):
    """Joins two energies at up to four levels; as it stands, at the last one only.

    A fusion overrides the hooks of its own levels and leaves the rest: each is an identity, but for `decide`, which
    averages. `PairNet` finds all widths by calling the hooks, so none is declared.
    """

    energies: ClassVar[tuple[str, ...]] = ("low", "high")  # those that it looks at
    symmetric: ClassVar[bool] = False  # swapping the energies changes nothing, by design

    def __init__(self) -> None:
        super().__init__()  # without its own signature a class would seem to take any keyword

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the weights that the fusion owns, if any; called once, before the first image.

        `dims` are the channels of every tower for each stage; the last entry is also the vectors' widths.
        """

    def inputs(self, low: Tensor, high: Tensor) -> tuple[Tensor, ...]:
        """Data level: both images (B, C, H, W) to one image for each tower."""
        return low, high

    def exchange(self, stage: int, *maps: Tensor) -> tuple[Tensor, ...]:
        """Between stages: the maps of all towers after `stage`, to as many of the same shapes."""
        return maps

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Feature level: one vector (B, dim) of each tower to one vector for each head."""
        return vectors

    def decide(self, *logits: Tensor) -> Tensor:
        """Decision level: logits (B, 2) of each head to the model's logits (B, 2)."""
        return torch.stack(logits).mean(0)


def two_towers(fusion: Fusion, dims: Sequence[Sequence[int]]) -> int:
    """Return the width of both towers' vectors; InputError if there are not two, or of unequal widths."""
    last = list(dims[-1])
    if len(last) != 2 or last[0] != last[1]:
        raise InputError(f"{type(fusion).__name__}: joins two towers of one width, got {last}; give it both energies")
    return last[0]
