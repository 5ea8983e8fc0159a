"""Decision level: a tower and a head for each energy; their logits are joined.

Every rule returns logits whose softmax is the joint probability, so losses and metrics need no special case.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.fusions.fusion import Fusion, two_towers
from oresort.models.heads.head import Head


class Mean(Fusion):
    """The mean of the logits."""


class WeightedVote(Fusion):
    """A weighted mean of the logits, with a weight a head or `per_class`: learned, positive, of sum 1."""

    def __init__(self, per_class: bool = False) -> None:
        super().__init__()
        self.per_class = per_class

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the weights, (2, 2) or (2, 1), equal at first."""
        two_towers(self, dims)
        self.scores = nn.Parameter(torch.zeros(2, Head.outputs if self.per_class else 1))

    def decide(self, *logits: Tensor) -> Tensor:
        """Return logits (B, 2)."""
        weights = self.scores.softmax(0)  # (2, 2) or (2, 1)
        return weights[0] * logits[0] + weights[1] * logits[1]


class ProductVote(Fusion):
    """The product of the probabilities over the prior: what Bayes says of independent opinions.

    log p = log p_low + log p_high - log prior (Kittler et al., TPAMI 1998). InputError if `prior`, the share of ore, is
    not between 0 and 1.
    """

    def __init__(self, prior: float = 0.5) -> None:
        super().__init__()
        if not 0 < prior < 1:
            raise InputError(f"prior={prior}: give a share of ore between 0 and 1")
        self.priors = (math.log(1 - prior), math.log(prior))

    def decide(self, *logits: Tensor) -> Tensor:
        """Return logits (B, 2)."""
        joint = F.log_softmax(_wide(logits), dim=-1).sum(0)
        # by column: a tensor of the priors would come from the host anew each time
        columns = zip(joint.unbind(1), self.priors, strict=True)
        return torch.stack([column - (len(logits) - 1) * prior for column, prior in columns], 1)


class MaxVote(Fusion):
    """Each class has the larger of its two probabilities, made to sum to 1 (Kittler et al., TPAMI 1998)."""

    def decide(self, *logits: Tensor) -> Tensor:
        """Return logits (B, 2)."""
        return F.log_softmax(_wide(logits), dim=-1).amax(0)


class Stacking(Fusion):
    """A linear map of all logits, learned with the rest; it starts as their mean."""

    def build(self, dims: Sequence[Sequence[int]]) -> None:
        """Make the map 4 -> 2."""
        two_towers(self, dims)
        self.join = nn.Linear(2 * Head.outputs, Head.outputs)
        with torch.no_grad():
            self.join.weight.copy_(torch.eye(Head.outputs).repeat(1, 2) / 2)
            self.join.bias.zero_()

    def decide(self, *logits: Tensor) -> Tensor:
        """Return logits (B, 2)."""
        joined: Tensor = self.join(torch.cat(logits, dim=1))
        return joined


class Evidential(Fusion):
    """Dempster's rule on the heads' evidence e = softplus(logits), as in trusted multi-view classification.

    Han et al., ICLR 2021. For two Dirichlet opinions over K classes their rule comes to
    e = e1 + e2 + e1 e2 / K. The logits returned are log(1 + e), so that their softmax is the Dirichlet's mean.
    """

    def decide(self, *logits: Tensor) -> Tensor:
        """Return logits (B, 2)."""
        joint, *others = F.softplus(_wide(logits))
        for other in others:
            joint = joint + other + joint * other / Head.outputs
        return torch.log1p(joint)


def _wide(logits: Sequence[Tensor]) -> Tensor:
    # products of evidence leave float16 at logits of a few hundred, and its gradient is NaN then
    stacked = torch.stack(tuple(logits))
    return stacked if stacked.dtype == torch.float64 else stacked.float()
