"""Batches of one split, made on the host."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

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

    def __getitem__(self, index: int) -> Batch:
        return {key: value[0] for key, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int]) -> Batch:
        rows = self.rows[indices]
        planes = torch.from_numpy(self.planes[rows])  # (B, 4, S, S), a copy out of the memory map
        if self.augmentation is not None:
            rng = np.random.default_rng([*self.seed, indices[0]])
            planes = self.augmentation(planes, self.representation, rng)
        low, high = self.inputs(planes)  # (B, C, S, S) each
        label, index = torch.from_numpy(self.labels[rows]), torch.from_numpy(rows)
        return {"low": low, "high": high, "label": label, "index": index}


class Shuffled(Sampler[int]):
    """The same order however often it is asked for: Lightning asks twice when a run goes on."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed)
        # torch's own loader draws its workers' seed first: skipped, the order is that of shuffle=True
        torch.empty((), dtype=torch.int64).random_(generator=generator)
        yield from torch.randperm(self.count, generator=generator).tolist()


def as_is(batch: Any) -> Any:
    """Return a batch that is one already; a name, since workers cannot be sent a lambda."""
    return batch
