"""The head that learns functions: a Kolmogorov-Arnold network."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.make import make
from oresort.models.checks import widths as checked
from oresort.models.heads.head import Head
from oresort.models.kan import edges
from oresort.models.kan.bases import Chebyshev
from oresort.models.kan.basis import Basis
from oresort.models.kan.layer import KANLayer


class KAN(Head):
    """KAN layers of the given hidden widths: with the Chebyshev basis to degree 6 the paper's classifier.

    With `init="paper"` and `norm=False` it is the paper's to the letter: 76,440 parameters for 128 features. Started
    so, six layers shrink the signal tens of thousands of times and pass on a millionth of the gradient; only an
    optimiser that rescales it, such as Adam, makes up for that. The default starts near a linear map and standardises
    its input over the batch. Both have the same parameters.

    Args:
        in_features: width of the input.
        widths: of the hidden layers.
        basis: spec of a `Basis`; null means Chebyshev to degree 6.
        init: how the coefficients start: linear, paper, lecun or glorot, see `oresort.models.kan.layer.INITS`.
        norm: standardise the input over the batch.
        sparsity: weight of `edges.sparsity` in the training loss, for fewer edges.

    Raises:
        InputError: a setting out of its range.
    """

    def __init__(
        self,
        in_features: int,
        widths: Sequence[int] = (64, 32, 16, 8, 4),
        basis: Mapping[str, Any] | None = None,
        init: str = "linear",
        norm: bool = True,
        sparsity: float = 0.0,
    ) -> None:
        super().__init__()
        if not isinstance(norm, bool):
            raise InputError(f"norm={norm!r}: give true or false")
        if isinstance(sparsity, bool) or not sparsity >= 0:
            raise InputError(f"sparsity={sparsity!r}: give a number of at least 0")
        functions = make(basis, Basis) if basis is not None else Chebyshev()  # type: ignore[type-abstract]
        sizes = (in_features, *checked("widths", widths), self.outputs)
        self.layers = nn.Sequential(*(KANLayer(i, o, functions, init) for i, o in pairwise(sizes)))
        self.norm = Standardise(in_features) if norm else nn.Identity()
        self.sparsity = sparsity

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_features) to logits (B, 2)."""
        logits: Tensor = self.layers(self.norm(x))
        return logits

    def penalty(self) -> Tensor | None:
        """Return what the training loss adds for its edges, or None without a weight."""
        if self.sparsity == 0:
            return None
        return self.sparsity * torch.stack([edges.sparsity(layer) for layer in kan_layers(self)]).sum()


def kan_layers(module: nn.Module) -> list[KANLayer]:
    """Return all KAN layers below a module, from input to output."""
    return [layer for layer in module.modules() if isinstance(layer, KANLayer)]


class Standardise(nn.BatchNorm1d):
    """Each feature with mean 0 and deviation `gain` over the batch; at inference an offset and a scale.

    The norm has no weights. The default gain starts tanh in its linear range; a gain of 1 learns slower.
    """

    def __init__(self, in_features: int, gain: float = 0.3) -> None:
        super().__init__(in_features, affine=False)
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_features) to the same shape."""
        if self.training and len(x) == 1:
            # one pair has no spread, and an epoch whose last batch holds one must not stop the training
            return self.gain * F.batch_norm(x, self.running_mean, self.running_var, eps=self.eps)
        return self.gain * super().forward(x)
