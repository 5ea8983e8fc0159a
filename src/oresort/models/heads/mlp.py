"""The heads without learned functions: linear, and multi-layer perceptron."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from oresort.models.checks import widths as checked
from oresort.models.heads.head import Head


class MLP(Head):
    """Linear layers of the given hidden widths, each at least 1 (else InputError), with ReLU between them."""

    def __init__(self, in_features: int, widths: Sequence[int] = (32,)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in pairwise((in_features, *checked("widths", widths), self.outputs)):
            layers += [nn.Linear(*size), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])  # logits are not rectified

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_features) to logits (B, 2)."""
        logits: Tensor = self.layers(x)
        return logits


class Linear(MLP):
    """One linear layer: the head of the paper's single-energy and decision-level models."""

    def __init__(self, in_features: int) -> None:
        super().__init__(in_features, widths=())
