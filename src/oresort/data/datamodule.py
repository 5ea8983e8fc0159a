"""The dataset as Lightning sees it: loaders of the train, validation and test pairs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from oresort.data.augment import Augmentation
from oresort.data.cache import cached_planes
from oresort.data.limit import limit_pairs
from oresort.data.resident import ResidentLoader
from oresort.data.splits import assign_splits, fingerprint
from oresort.errors import InputError
from oresort.files.layout import SPLITS
from oresort.files.manifest import load_manifest
from oresort.make import make
from oresort.represent.representation import Planes, Representation

Batch = dict[str, Tensor]


class PairDataset(Dataset[Batch]):
    """Pairs of one split; fetches whole batches, since one pair's work is mostly overhead.

    Args:
        planes: All pairs of the manifest, (N, 4, S, S).
        labels: int64 (N,), ore 1.
        rows: Rows of the manifest in this split, int64.
        representation: Makes network input of planes.
        augmentation: None for validation and test.
        seed: Together with the batch's first pair it fixes the batch's draw, for any number of workers.
    """

    def __init__(
        self,
        planes: Planes,
        labels: np.ndarray[Any, np.dtype[np.int64]],
        rows: np.ndarray[Any, np.dtype[np.int64]],
        representation: Representation,
        augmentation: Augmentation | None = None,
        seed: Sequence[int] = (0,),
    ) -> None:
        self.planes, self.labels, self.rows = planes, labels, rows
        self.representation, self.augmentation, self.seed = representation, augmentation, seed

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Batch:
        return {key: value[0] for key, value in self.__getitems__([index]).items()}

    def __getitems__(self, indices: list[int]) -> Batch:
        rows = self.rows[indices]
        planes = self.planes[rows]  # (B, 4, S, S), a copy out of the memory map
        if self.augmentation is None:
            prepared = torch.from_numpy(planes)
        else:
            rng = np.random.default_rng([*self.seed, indices[0]])
            prepared = self.augmentation(planes, self.representation, rng)
        low, high = self.representation.finish(prepared)
        return {
            "low": low,
            "high": high,
            "label": torch.from_numpy(self.labels[rows]),
            "index": torch.from_numpy(rows),
        }


def _as_is(batch: Any) -> Any:
    return batch


class _Shuffled(Sampler[int]):
    """The same order however often it is asked for: Lightning asks twice when a run goes on."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed)
        torch.empty((), dtype=torch.int64).random_(generator=generator)  # as a loader that shuffles by itself
        yield from torch.randperm(self.count, generator=generator).tolist()


class OreDataModule(L.LightningDataModule):
    """Serves a dataset's pairs in batches `low, high` (B, C, S, S) float32, `label, index` (B,) int64.

    Args:
        root: Folder with `manifest.csv` or the released layout.
        representation: Spec of a `Representation`: `_target_` and its arguments.
        augment: Spec of an `Augmentation`, for training only.
        batch_size: Pairs a batch.
        workers: Loader processes; 0 serves from the training process, enough on a CPU.
        split: `given` or `seeded`, see `assign_splits`.
        split_seed: Seed of a drawn split, apart from the training seed.
        strict: Leakage and unnamed pairs are errors, not warnings.
        limit: At most so many pairs, see `limit_pairs`; None means all.
        cache: Folder of prepared pairs; None means `.cache` in the root.
        resident: Keep training and validation pairs on the trainer's device, and augment them there.
        seed: Training seed: order and augmentation.
    """

    def __init__(
        self,
        root: str,
        representation: Mapping[str, Any],
        augment: Mapping[str, Any],
        batch_size: int = 64,
        workers: int = 0,
        split: str = "given",
        split_seed: int = 0,
        strict: bool = False,
        limit: int | None = None,
        cache: str | None = None,
        resident: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if batch_size < 1 or workers < 0:
            raise InputError(f"data.batch_size={batch_size}, data.workers={workers}: need at least 1 and 0")
        self.save_hyperparameters()
        self.root = Path(root)
        self.representation = make(representation, Representation)  # type: ignore[type-abstract]
        self.augmentation = make(augment, Augmentation)
        self.frame = pd.DataFrame()
        self.planes: Planes | None = None
        self._resident: dict[str, tuple[Tensor, Tensor, Tensor]] = {}

    def index(self) -> pd.DataFrame:
        """Return the manifest with its splits, read once."""
        if self.frame.empty:
            hp = self.hparams
            frame = load_manifest(self.root)
            frame = assign_splits(
                frame, self.root, split=hp["split"], seed=hp["split_seed"], strict=hp["strict"]
            )
            if hp["limit"] is not None:
                frame = limit_pairs(frame, hp["limit"], hp["split_seed"])
            self.frame = frame
        return self.frame

    def fingerprint(self) -> str:
        """Return a hash of which pairs there are, of what class, in which split; images are not read."""
        return fingerprint(self.index())

    def setup(self, stage: str | None = None) -> None:
        """Read the index, fix the splits and prepare the pairs, once."""
        if self.planes is None:
            cache = Path(self.hparams["cache"]) if self.hparams["cache"] else self.root / ".cache"
            self.planes = cached_planes(self.index(), self.root, self.representation, cache)

    def pictures(self, ids: Sequence[str]) -> dict[str, Planes]:
        """Return the planes (4, S, S) of pairs by id."""
        self.setup()
        assert self.planes is not None
        place = {name: i for i, name in enumerate(self.frame["id"])}
        return {name: np.array(self.planes[place[name]]) for name in ids}

    def loader(self, split: str, epoch: int | None = None) -> DataLoader[Batch]:
        """Return the batches of `split`; with `epoch`, shuffled and augmented for it.

        Raises:
            InputError: An unknown split.
        """
        if split not in SPLITS:
            raise InputError(f"split={split}: unknown; known are {', '.join(SPLITS)}")
        self.setup()
        assert self.planes is not None
        rows = np.flatnonzero((self.frame["split"] == split).to_numpy())
        train = epoch is not None
        if not train:
            # manifests are sorted by class: a shortened run must still see both
            rows = np.random.default_rng(0).permutation(rows)
        seed = (self.hparams["seed"], epoch or 0)
        dataset = PairDataset(
            self.planes,
            self.frame["label"].to_numpy(np.int64),
            rows,
            self.representation,
            self.augmentation if train else None,
            seed,
        )
        order = _Shuffled(len(rows), int(np.random.SeedSequence(seed).generate_state(1)[0]))
        return DataLoader(
            dataset,
            batch_size=self.hparams["batch_size"],
            sampler=order if train else None,
            # a last batch of one pair would give batch norm nothing to normalise by
            drop_last=train and len(rows) % self.hparams["batch_size"] == 1 and len(rows) > 1,
            num_workers=self.hparams["workers"],
            collate_fn=_as_is,
            multiprocessing_context="fork" if self.hparams["workers"] else None,
            pin_memory=torch.cuda.is_available(),
        )

    def resident_loader(self, split: str, epoch: int | None = None) -> ResidentLoader:
        """Return the batches of `split` from the trainer's device; with `epoch`, shuffled and augmented for it."""
        self.setup()
        assert self.planes is not None
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        if split not in self._resident:
            rows = np.flatnonzero((self.frame["split"] == split).to_numpy())
            labels = self.frame["label"].to_numpy(np.int64)[rows]
            tensors = (torch.from_numpy(part) for part in (self.planes[rows], labels, rows))
            planes, label, index = (tensor.to(device) for tensor in tensors)
            self._resident[split] = planes, label, index
        return ResidentLoader(
            *self._resident[split],
            batch_size=self.hparams["batch_size"],
            representation=self.representation,
            augmentation=self.augmentation if epoch is not None else None,
            seed=int(np.random.SeedSequence((self.hparams["seed"], epoch or 0)).generate_state(1)[0]),
            rank=self.trainer.global_rank if self.trainer else 0,
            world=self.trainer.world_size if self.trainer else 1,
        )

    def train_dataloader(self) -> DataLoader[Batch] | ResidentLoader:
        """Return the training batches of the trainer's epoch; the trainer asks anew every epoch."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        return (
            self.resident_loader("train", epoch) if self.hparams["resident"] else self.loader("train", epoch)
        )

    def val_dataloader(self) -> DataLoader[Batch] | ResidentLoader:
        """Return the validation batches, always the same."""
        return self.resident_loader("val") if self.hparams["resident"] else self.loader("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test batches, always the same."""
        return self.loader("test")
