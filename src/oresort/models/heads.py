"""The heads: linear, multi-layer perceptron, Kolmogorov-Arnold network."""

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from oresort.models.checks import widths as checked
from oresort.models.head import CLASSES, Head
from oresort.models.kan import KANLayer


class MLP(Head):
    """Linear layers of the given hidden widths with ReLU between them.

    Raises:
        InputError: `widths` is no list of whole numbers of at least 1.
    """

    def __init__(self, in_features: int, widths: Sequence[int] = (32,)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in pairwise((in_features, *checked("widths", widths), CLASSES)):
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


class KAN(Head):
    """Chebyshev KAN layers of the given hidden widths: the paper's classifier.

    With `init="paper"` it is the paper's to the letter: 76,440 parameters for 128 features. Six such layers
    pass so little gradient that the towers stand still through the first epochs. The default therefore
    starts near a linear map and standardises its input over the batch, times `GAIN`. That norm has no
    weights, so both have the same parameters, and at inference it folds into an offset and a scale.

    Args:
        in_features: width of the input.
        widths: of the hidden layers.
        degree: of the polynomials, at least 1.
        init: "linear", or "paper" (which also drops the norm).

    Raises:
        InputError: a setting out of its range.
    """

    GAIN = 0.3  # tanh starts in its linear range; a gain of 1 learns slower

    def __init__(
        self,
        in_features: int,
        widths: Sequence[int] = (64, 32, 16, 8, 4),
        degree: int = 6,
        init: str = "linear",
    ) -> None:
        super().__init__()
        sizes = (in_features, *checked("widths", widths), CLASSES)
        self.layers = nn.Sequential(*(KANLayer(i, o, degree, init) for i, o in pairwise(sizes)))
        self.norm = None if init == "paper" else nn.BatchNorm1d(in_features, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_features) to logits (B, 2)."""
        if self.norm is not None:
            x = self.GAIN * _standardise(self.norm, x)
        logits: Tensor = self.layers(x)
        return logits


def _standardise(norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    if norm.training and len(x) == 1:
        # one pair has no spread, and an epoch whose last batch holds one must not stop the training
        return F.batch_norm(x, norm.running_mean, norm.running_var, eps=norm.eps)
    standard: Tensor = norm(x)
    return standard
