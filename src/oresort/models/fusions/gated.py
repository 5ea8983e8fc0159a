"""Feature level, with weights that let one energy decide how the other is used."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from oresort.models.checks import positive
from oresort.models.fusions.fusion import Fusion, two_towers


class GMU(Fusion):
    """Gated multimodal unit: z tanh(W_a a) + (1 - z) tanh(W_b b) with z = sigmoid(W_z [a; b]).

    Arevalo et al., ICLR workshop 2017 (arXiv 1702.01992). With 128 features it has 65,920 parameters.
    """

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the maps of both vectors and of the gate."""
        dim = two_towers(self, dims)
        self.low, self.high = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.gate = nn.Linear(2 * dim, dim)

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        z = torch.sigmoid(self.gate(torch.cat(vectors, dim=1)))
        low, high = torch.tanh(self.low(vectors[0])), torch.tanh(self.high(vectors[1]))
        return (z * low + (1 - z) * high,)


class FiLM(Fusion):
    """Feature-wise linear modulation: the high energy scales and shifts the low one's features.

    (1 + g) low + s with (g, s) = W high: near the identity at the start. Perez et al., AAAI 2018. With 128
    features it has 33,024 parameters.
    """

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the map of the high energy's vector to scales and shifts."""
        dim = two_towers(self, dims)
        self.modulation = nn.Linear(dim, 2 * dim)

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        scale, shift = self.modulation(vectors[1]).chunk(2, dim=1)
        return ((1 + scale) * vectors[0] + shift,)


class LMF(Fusion):
    """Low-rank multimodal fusion: sum_r w_r (U_r [a; 1]) (V_r [b; 1]) + bias.

    A bilinear map of both vectors whose tensor has `rank`, at least 1 (else InputError). Liu et al., ACL 2018. With 128
    features and rank 4 it has 132,228 parameters.
    """

    def __init__(self, rank: int = 4) -> None:
        super().__init__()
        self.rank = positive("rank", rank)

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the factors, one linear map an energy for all ranks, and the weights of the ranks."""
        dim = two_towers(self, dims)
        # a constant 1 beside each vector, as in the publication, is what a bias is
        self.low, self.high = nn.Linear(dim, self.rank * dim), nn.Linear(dim, self.rank * dim)
        self.ranks = nn.Parameter(torch.full((self.rank, 1), self.rank**-0.5))
        self.bias = nn.Parameter(torch.zeros(dim))

    def features(self, *vectors: Tensor) -> tuple[Tensor, ...]:
        """Return one vector (B, dim)."""
        low = self.low(vectors[0]).unflatten(1, (self.rank, -1))  # (B, rank, dim)
        high = self.high(vectors[1]).unflatten(1, (self.rank, -1))
        return ((self.ranks * low * high).sum(1) + self.bias,)
