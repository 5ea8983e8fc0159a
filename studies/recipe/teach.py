"""Distillation, tried for the recipe: a small network learns the answers of several larger ones beside the labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.objective import Objective, Outputs
from oresort.models.pairnet import PairNet


class Distilled(Objective):
    """Learns the mean answer of teachers on the same augmented pairs, and labels for what is left of `share`.

    Args:
        net: the model.
        loss: spec of a `Loss` for the labels.
        teachers: folder of run folders with checkpoints of the same representation.
        share: of the teachers in the loss, 0 to 1.
        others: as `Objective`.
    """

    def __init__(
        self,
        net: PairNet,
        loss: Mapping[str, Any] | None = None,
        teachers: str = "",
        share: float = 0.7,
        **others: float,
    ) -> None:
        super().__init__(net, loss, **others)
        files = sorted(Path(teachers).glob("*/checkpoints/last.ckpt")) if teachers else []
        if not files or not 0 <= share <= 1:
            raise InputError(f"Distilled: teachers={teachers!r}, share={share}: give a folder of runs, and 0 to 1")
        self.share = share
        # in a tuple, so that they are no part of the model that is trained and saved
        self.teachers: tuple[nn.Module, ...] = tuple(
            load_trained(file).module.net.eval().requires_grad_(False) for file in files
        )

    def forward(self, batch: Mapping[str, Any], draw: torch.Generator) -> tuple[Tensor, Outputs]:
        """Return the loss of a batch, see `Objective`."""
        low, high, label = batch["low"], batch["high"], batch["label"]
        with torch.no_grad():
            wanted = torch.stack([teacher(low, high).float().softmax(1) for teacher in self.teachers]).mean(0)  # (B, 2)
        logits = self.net(low, high)
        own = self.loss(logits, label)  # (B,)
        taught = -(wanted * logits.float().log_softmax(1)).sum(1)  # (B,)
        losses = (1 - self.share) * own + self.share * taught
        return losses.mean(), Outputs(logits.detach(), own.detach(), None)
