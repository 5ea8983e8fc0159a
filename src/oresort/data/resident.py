"""Batches of pairs that already lie on the training device, drawn and augmented there."""

from collections.abc import Iterator

import torch
from torch import Tensor

from oresort.data.augment import Augmentation
from oresort.data.loaders import Batch
from oresort.models.inputs import Inputs
from oresort.represent.representation import Representation


class ResidentLoader:
    """Serves batches without touching the host: a small network would otherwise wait for its loader.

    A training epoch is shuffled and augmented by generators of the device, seeded by run and epoch, so a
    resumed run repeats it. Its last, shorter batch is left out: compiled code and CUDA graphs want one shape,
    and other pairs are left out in the next epoch.

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
        augmentation: Augmentation | None = None,
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

    def __iter__(self) -> Iterator[Batch]:
        device = self.planes.device
        generator = torch.Generator(device).manual_seed(self.seed)
        order = torch.arange(len(self.planes), device=device)
        if self.augmentation is not None:
            order = torch.randperm(len(self.planes), generator=generator, device=device)
        order = order[self.rank :: self.world]
        # order is one for all processes, what happens to a pair is its own
        generator.manual_seed(self.seed + 1_000_003 * (self.rank + 1))
        for step in range(self.steps):
            rows = order[step * self.batch_size : (step + 1) * self.batch_size]
            planes = self.planes[rows]  # (B, 4, S, S)
            if self.augmentation is not None:
                planes = self.augmentation.on_device(planes, self.representation, generator)
            low, high = self.inputs(planes)  # (B, C, S, S) each
            yield {"low": low, "high": high, "label": self.labels[rows], "index": self.index[rows]}
