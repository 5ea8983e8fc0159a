"""What a training step minimises: the loss of a batch, and the terms that help two energies to learn together."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.learn.losses import CrossEntropy, Loss
from oresort.make import make
from oresort.models.heads.head import Head
from oresort.models.pairnet import PairNet


class Outputs(NamedTuple):
    """What a step says beside its loss; tensors of the batch's device, without gradient but for `balance`."""

    logits: Tensor  # (B, 2), waste and ore
    losses: Tensor  # (B,), of the pairs alone
    pace: Tensor | None  # (2,), how fast each tower shall learn, see `paces`


class Objective(nn.Module):
    """A model with its training loss. It works on tensors alone and never waits for the device.

    A model of grades has the likelihood of its pairs' grades for a loss, see `GradeReading`; `log_grade` holds those of
    all rows of the manifest.

    The terms are used in training only; none is part of the model.

    Args:
        net: the model.
        loss: spec of a `Loss`; None means cross-entropy. A model of grades takes none.
        energy_dropout: probability that a training pair loses one energy (its image is set to 0), either with the
            same chance; the model also learns to do with one.
        auxiliary: weight of a loss on each tower's own vector, through a linear layer of its own, so that no tower
            rests on the other (Wang et al., CVPR 2020, call this competition). Wants two towers.
        balance: alpha of on-the-fly gradient modulation with generalisation noise (OGM-GE, Peng et al., CVPR 2022),
            usually 0.1 to 1: the tower that is ahead, as the auxiliary layers tell, learns slower.
    """

    log_grade: Tensor

    def __init__(
        self,
        net: PairNet,
        loss: Mapping[str, Any] | None = None,
        energy_dropout: float = 0.0,
        auxiliary: float = 0.0,
        balance: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= energy_dropout <= 1:
            raise InputError(f"objective.energy_dropout={energy_dropout}: give a probability, 0 to 1")
        if not auxiliary >= 0 or not balance >= 0:
            raise InputError("objective.auxiliary and objective.balance: give numbers of at least 0")
        if balance and not auxiliary:
            raise InputError("objective.balance: reads the auxiliary layers; set objective.auxiliary, e.g. to 0.5")
        if auxiliary and (len(net.dims) != 2 or len(net.towers) != 2):
            raise InputError("objective.auxiliary: needs two towers; choose another fusion, or share=false")
        if loss and net.reading is not None:
            raise InputError("objective.loss: is of classes; task=grade learns the likelihood of grades, leave it out")
        self.net = net
        self.loss = make(loss, Loss) if loss else CrossEntropy()  # type: ignore[type-abstract]
        self.register_buffer("log_grade", torch.zeros(0), persistent=False)  # of the data, not of the model
        self.energy_dropout, self.weight, self.alpha = energy_dropout, auxiliary, balance
        self.auxiliary = nn.ModuleList(nn.Linear(dim, Head.outputs) for dim in net.dims if auxiliary)

    def forward(self, batch: Mapping[str, Any], draw: torch.Generator) -> tuple[Tensor, Outputs]:
        """Return the loss of a training batch, a scalar, and what else the step knows.

        The batch holds `low`, `high` (B, C, S, S) floats, `label` and `index` (B,) int64; `draw` is of its device.
        """
        low, high, label = batch["low"], batch["high"], batch["label"]
        if self.energy_dropout:
            low, high = drop_energy(low, high, self.energy_dropout, draw)
        # with auxiliary layers not by calling the model, so a compiled one runs as written here
        if self.auxiliary or self.net.reading is not None:
            logits, vectors, outputs = self.net.parts(low, high)
        else:
            logits, vectors = self.net(low, high), ()
            outputs = logits
        losses = self.losses(outputs, batch)  # (B,)
        loss, pace = losses.mean(), None
        if self.auxiliary:
            votes = [layer(v) for layer, v in zip(self.auxiliary, vectors, strict=True)]  # (B, 2) each
            loss = loss + self.weight * torch.stack([self.losses(vote, batch).mean() for vote in votes]).sum()
            read = votes if self.net.reading is None else [self.net.reading(vote) for vote in votes]
            pace = paces(read, label, self.alpha) if self.alpha else None
        if (penalty := self.net.penalty()) is not None:  # of the heads
            loss = loss + penalty
        return loss, Outputs(logits.detach(), losses.detach(), pace)

    def losses(self, outputs: Tensor, batch: Mapping[str, Any]) -> Tensor:
        """Return the loss (B,) of what the model says (B, 2) of a batch's pairs, without what helps training."""
        if self.net.reading is None:
            return cast("Tensor", self.loss(outputs, batch["label"]))
        return self.net.reading.losses(outputs, self.log_grade[batch["index"]])

    def balance(self, pace: Tensor, draw: torch.Generator) -> None:
        """Slow down the tower that is ahead, between the backward pass and the optimiser's step."""
        for i, tower in enumerate(self.net.towers):
            balance_gradients(tower, pace[i], draw)


def drop_energy(low: Tensor, high: Tensor, probability: float, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return both images (B, C, H, W) with one energy of some pairs set to 0, never both."""
    # one draw for both energies, so that never both are lost
    chance = torch.rand((len(low), 1, 1, 1), generator=draw, device=low.device)
    no_low = chance < probability / 2
    return low.masked_fill(no_low, 0.0), high.masked_fill((chance < probability) & ~no_low, 0.0)


def paces(votes: Sequence[Tensor], label: Tensor, alpha: float) -> Tensor:
    """Return the factors (2,), above 0 and up to 1, by which each of two towers with `votes` (B, 2) shall learn.

    With s_u the summed probability that tower u gives the right classes, and rho_u = s_u / s_other, the factor
    is 1 - tanh(alpha rho_u) where rho_u > 1, else 1.
    """
    p = torch.stack([vote.detach().float() for vote in votes]).softmax(2)  # (2, B, 2)
    scores = p.gather(2, label.expand(2, -1)[..., None]).sum((1, 2))  # (2,)
    ratio = scores / scores.flip(0).clamp_min(1e-8)  # (2,)
    return torch.where(ratio > 1, 1 - torch.tanh(alpha * ratio), 1.0)


@torch.no_grad()
def balance_gradients(tower: nn.Module, pace: Tensor, draw: torch.Generator) -> None:
    """Scale the gradients of a tower's convolutions by `pace`, a scalar, and add noise of their own deviation.

    The noise makes up for what slower learning takes from the gradient's natural noise.
    """
    for p in tower.parameters():
        if p.grad is not None and p.ndim == 4:
            std = p.grad.std(correction=0)  # before it is scaled; of one weight it is 0, not NaN
            noise = torch.randn(p.shape, generator=draw, device=p.grad.device).to(p.grad)
            p.grad.mul_(pace).add_(noise * std)
