"""Feature level: a tower for each energy; their vectors are joined before one head."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from oresort.models.fusions.fusion import Fusion, two_towers


class Sum(Fusion):
    """The towers' vectors are added."""

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        return (torch.stack(vectors).sum(0),)


class Concat(Fusion):
    """The towers' vectors are chained."""

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, sum of all dims)."""
        return (torch.cat(vectors, dim=1),)


class Maximum(Fusion):
    """Each feature is the larger of the towers' two."""

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        return (torch.stack(vectors).amax(0),)


class Product(Fusion):
    """Each feature is the product of the towers' two: high where both agree."""

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        return (torch.stack(vectors).prod(0),)


class WeightedSum(Fusion):
    """A weighted mean of the towers' vectors, with a weight a tower or `per_feature`: learned, positive, of sum 1."""

    def __init__(self, per_feature: bool = True) -> None:
        super().__init__()
        self.per_feature = per_feature

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the weights, (2, dim) or (2, 1), equal at first."""
        dim = two_towers(self, dims)
        self.scores = nn.Parameter(torch.zeros(2, dim if self.per_feature else 1))

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        weights = self.scores.softmax(0)
        return (weights[0] * vectors[0] + weights[1] * vectors[1],)
