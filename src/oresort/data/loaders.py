"""Batches of one split, made on the host or on the training device."""

from collections.abc import Iterator, Sequence

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
        augmentation: Augmentation | None,
        seed: Sequence[int],
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
            planes = self.augmentation(planes, self.representation, np.random.default_rng([*self.seed, indices[0]]))
        low, high = self.inputs(planes)  # (B, C, S, S) each
        label, index = torch.from_numpy(self.labels[rows]), torch.from_numpy(rows)
        return {"low": low, "high": high, "label": label, "index": index}


def shuffled(count: int, seed: int) -> list[int]:
    """Return the numbers below `count` in the order in which a loader with shuffle=True would take them."""
    generator = torch.Generator().manual_seed(seed)
    torch.empty((), dtype=torch.int64).random_(generator=generator)  # it draws its workers' seed first
    return torch.randperm(count, generator=generator).tolist()


class ResidentLoader:
    """Serves pairs that lie on the training device: a small network would otherwise wait for its loader.

    A training epoch is shuffled and augmented by generators of the device, seeded by run and epoch, so a resumed run
    repeats it. Its last, shorter batch is left out: compiled code and CUDA graphs want one shape, and other pairs are
    left out in the next epoch.

    Args:
        planes: of one split, (N, 4, S, S) float32 on the device, as all three.
        labels: (N,) int64.
        index: rows of the manifest, (N,) int64.
        batch_size: pairs a batch.
        representation: that made the planes.
        augmentation: of training pairs; None serves all pairs in order, as they are.
        seed: of order and augmentation.
        rank: of this process, among the `world` that share out the pairs.
        world: number of processes.
    """

    def __init__(
        self,
        planes: Tensor,
        labels: Tensor,
        index: Tensor,
        batch_size: int,
        representation: Representation,
        augmentation: Augmentation | None,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.planes, self.labels, self.index = planes, labels, index
        self.representation, self.augmentation = representation, augmentation
        self.inputs = Inputs(representation)
        self.seed, self.rank, self.world = seed, rank, world
        train = augmentation is not None
        # in training every process makes the same number of steps
        own = len(planes) // world if train else len(range(rank, len(planes), world))
        self.batch_size = min(batch_size, own) if train else batch_size
        self.steps = own // self.batch_size if train else -(-own // self.batch_size)

    def __len__(self) -> int:
        return self.steps

    def order(self, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return the rows (B,) of each batch, and leave `generator`, of the device, where the epoch's changes begin."""
        device = self.planes.device
        generator.manual_seed(self.seed)
        order = torch.arange(len(self.planes), device=device)
        if self.augmentation is not None:
            order = torch.randperm(len(self.planes), generator=generator, device=device)
        # order is one for all processes, what happens to a pair is its own
        generator.manual_seed(self.seed + 1_000_003 * (self.rank + 1))
        return torch.split(order[self.rank :: self.world], self.batch_size)[: self.steps]

    def batch(self, rows: Tensor, generator: torch.Generator) -> Batch:
        """Return the pairs of `rows` (B,), changed as the device's `generator` draws; never waits for the device."""
        planes = self.planes.index_select(0, rows)  # (B, 4, S, S)
        if self.augmentation is not None:
            planes = self.augmentation.on_device(planes, self.representation, generator)
        low, high = self.inputs(planes)  # (B, C, S, S) each
        return {"low": low, "high": high, "label": self.labels[rows], "index": self.index[rows]}

    def __iter__(self) -> Iterator[Batch]:
        generator = torch.Generator(self.planes.device)
        for rows in self.order(generator):
            yield self.batch(rows, generator)
