"""Many training batches at once, for who takes the steps without going back to the loader."""

from collections.abc import Iterator

import torch
from torch import Tensor

from oresort.data.loaders import ResidentLoader
from oresort.errors import InputError


class Block:
    """Training batches that are made one by one as the steps are taken.

    Args:
        loader: whose pairs they are.
        rows: of the loader's pairs, (N, B) int64, on the device.
        generator: of the device, which draws their changes, batch after batch.
    """

    def __init__(self, loader: ResidentLoader, rows: Tensor, generator: torch.Generator) -> None:
        self.loader, self.rows, self.generator = loader, rows, generator

    def __len__(self) -> int:
        return len(self.rows)


class Blocks:
    """Serves an epoch of a resident training loader in blocks: the same batches in the same order.

    Args:
        loader: of training pairs.
        size: batches a block; the last one may have fewer.
        limit: number of batches of the epoch, or a share of them; None is all.
        generator: of the device; one for all epochs, since a CUDA graph draws from that which it was captured with.

    Raises:
        InputError: a limit below one batch.
    """

    def __init__(self, loader: ResidentLoader, size: int, limit: float | None, generator: torch.Generator) -> None:
        self.loader, self.size, self.generator = loader, size, generator
        self.steps = len(loader)
        if limit is not None:
            self.steps = min(self.steps, limit if isinstance(limit, int) else int(self.steps * limit))
        if self.steps < 1:
            raise InputError(f"trainer.limit_train_batches={limit}: less than one of {len(loader)} batches; give more")

    def __len__(self) -> int:
        return -(-self.steps // self.size)

    def __iter__(self) -> Iterator[Block]:
        order = torch.stack(self.loader.order(self.generator)[: self.steps])  # (steps, B)
        for rows in torch.split(order, self.size):
            yield Block(self.loader, rows, self.generator)
