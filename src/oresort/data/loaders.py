"""Batches of one split, made on the host."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from oresort.data.augment import Augmentation
from oresort.models.inputs import Inputs
from oresort.represent.representation import Planes, Representation

Batch = dict[str, Tensor]
"""`low, high` (B, C, S, S) float32, `label` (ore 1) and `index` (row of the manifest) (B,) int64."""


class PairDataset(Dataset[Batch]):
    """Pairs of one split; fetches whole batches, since one pair's work is mostly overhead.

    Args:
        planes: all pairs of the manifest, (N, 4, S, S).
        labels: (N,), ore 1.
        rows: of the manifest that are in this split.
        representation: that made the planes.
        augmentation: of training pairs; None serves them as they are.
        seed: together with the batch's first pair it fixes the batch's draw, for any number of workers.
    """

    def __init__(
        self,
        planes: Planes,
        labels: NDArray[np.int64],
        rows: NDArray[np.int64],
        representation: Representation,
        augmentation: Augmentation | None = None,
        seed: Sequence[int] = (0,),
    ) -> None:
        self.planes, self.labels, self.rows = planes, labels, rows
        self.representation, self.augmentation, self.seed = representation, augmentation, seed
        self.inputs = Inputs(representation)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitems__(self, indices: list[int]) -> Batch:
        rows = self.rows[indices]
        planes = torch.from_numpy(self.planes[rows])  # (B, 4, S, S), a copy out of the memory map
        if self.augmentation is not None:
            rng = np.random.default_rng([*self.seed, indices[0]])
            planes = self.augmentation(planes, self.representation, rng)
        low, high = self.inputs(planes)  # (B, C, S, S) each
        label, index = torch.from_numpy(self.labels[rows]), torch.from_numpy(rows)
        return {"low": low, "high": high, "label": label, "index": index}


def shuffled(count: int, seed: int) -> list[int]:
    """Return the numbers below `count` in the order in which a loader with shuffle=True would take them."""
    generator = torch.Generator().manual_seed(seed)
    torch.empty((), dtype=torch.int64).random_(generator=generator)  # it draws its workers' seed first
    return torch.randperm(count, generator=generator).tolist()
