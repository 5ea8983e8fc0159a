"""Helps for the training of two energies together; each works with any fusion, and none is there afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from oresort.errors import InputError


@dataclass(frozen=True)
class Helps:
    """Strengths of the helps; 0 leaves one out.

    Args:
        energy_dropout: probability that a training pair loses one energy (its image is set to 0), either with
            the same chance; the model also learns to do with one.
        auxiliary: weight of a classification loss on each tower's own vector, through a linear layer of its
            own, so that no tower rests on the other (Wang et al., CVPR 2020, call this competition).
        balance: alpha of on-the-fly gradient modulation with generalisation noise (OGM-GE, Peng et al., CVPR
            2022): the tower that is ahead learns slower. 0.1 to 1 is usual. It tells who is ahead by the
            auxiliary layers.

    Raises:
        InputError: a value out of its range.
    """

    energy_dropout: float = 0.0
    auxiliary: float = 0.0
    balance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.energy_dropout <= 1:
            raise InputError(f"helps.energy_dropout={self.energy_dropout}: give a probability, 0 to 1")
        if not self.auxiliary >= 0 or not self.balance >= 0:
            raise InputError("helps.auxiliary and helps.balance: give numbers of at least 0")
        if self.balance and not self.auxiliary:
            raise InputError("helps.balance: reads the auxiliary layers; set helps.auxiliary, e.g. to 0.5")


def drop_energy(
    low: Tensor, high: Tensor, probability: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return both images (B, C, H, W) with one energy of some pairs set to 0, never both."""
    draw = torch.rand(len(low), generator=generator).to(low.device)
    half = probability / 2
    no_low, no_high = draw < half, (draw >= half) & (draw < probability)
    blank = (slice(None), None, None, None)
    return low.masked_fill(no_low[blank], 0.0), high.masked_fill(no_high[blank], 0.0)


def paces(votes: Sequence[Tensor], label: Tensor, alpha: float) -> tuple[float, ...]:
    """Return the factor, above 0 and up to 1, by which each of two towers shall learn.

    With s_u the summed probability that tower u gives the right classes, and rho_u = s_u / s_other, the factor
    is 1 - tanh(alpha rho_u) where rho_u > 1, else 1.

    Args:
        votes: logits (B, 2) of each tower's own classifier.
        label: (B,) int64.
        alpha: strength.
    """
    rows = torch.arange(len(label), device=label.device)
    scores = [float(v.detach().float().softmax(1)[rows, label].sum()) for v in votes]
    ratios = scores[0] / max(scores[1], 1e-8), scores[1] / max(scores[0], 1e-8)
    return tuple(1.0 - float(torch.tanh(torch.tensor(alpha * r))) if r > 1 else 1.0 for r in ratios)


@torch.no_grad()
def modulate(tower: nn.Module, pace: float, generator: torch.Generator) -> None:
    """Scale the gradients of a tower's convolutions by `pace`, and add noise of their own deviation.

    The noise makes up for what slower learning takes from the gradient's natural noise.
    """
    for p in tower.parameters():
        if p.grad is not None and p.ndim == 4:
            std = p.grad.std(correction=0)
            noise = torch.randn(p.shape, generator=generator).to(p.grad)
            p.grad.mul_(pace).add_(noise * std)
