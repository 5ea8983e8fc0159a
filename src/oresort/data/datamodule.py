"""The dataset as Lightning sees it: loaders of the train, validation and test pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from oresort.console.check import check
from oresort.data.augment import Augmentation
from oresort.data.blocks import Blocks
from oresort.data.index import fingerprint, index_pairs
from oresort.data.leaks import check_images, leaking_scans, report
from oresort.data.loaders import Batch, PairDataset, ResidentLoader, shuffled
from oresort.data.pairs import Pairs, pairs_of
from oresort.data.settings import DataConfig
from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.layout import SPLITS
from oresort.make import make
from oresort.paths import part
from oresort.represent.representation import Planes, Representation

_LOOKED_AT = 512 * 80 * 80
"""Pixels of an energy that a GPU looks at at once where nothing is trained; with the paper's maps about 2 GiB."""


class OreDataModule(L.LightningDataModule):
    """Serves a dataset's pairs in batches, see `Batch`.

    Args:
        root: folder with `manifest.csv` or the released layout.
        representation: spec of a `Representation`, `_target_` and its arguments; None means that of
            `conf/representation/attenuation.yaml`.
        augment: spec of an `Augmentation`, for training only; None means that of `conf/augment/physical.yaml`.
        seed: of the training: order and augmentation.
        settings: further keywords of `DataConfig`.

    Raises:
        InputError: a spec that `make` refuses, or a setting out of its range.
    """

    read_index = staticmethod(index_pairs)

    def __init__(
        self,
        root: str | Path,
        representation: Mapping[str, Any] | None = None,
        augment: Mapping[str, Any] | None = None,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__()
        self.settings = DataConfig(root=str(root), **settings)
        check(self.settings, "data.")
        specs = {
            "representation": representation or part("representation", "attenuation"),
            "augment": augment or part("augment", "physical"),
        }
        # plain values, from which a checkpoint builds the same module again
        self.save_hyperparameters({**asdict(self.settings), **specs, "seed": seed})
        self.representation = make(specs["representation"], Representation)  # type: ignore[type-abstract]
        self.augmentation = make(specs["augment"], Augmentation)
        self.seed, self.root = seed, Path(root)
        self._leaking_images, self._hashes = 0, np.zeros((0, 2), np.uint64)
        self.block = 0  # training batches that are served at once, see `Blocks`; 0 is one by one
        self.block_limit: float | None = None  # of the batches of an epoch in blocks
        self._draws: torch.Generator | None = None  # of the blocks' changes

    @cached_property
    def pairs(self) -> Pairs:
        """What is read of the dataset, once, see `pairs_of`."""
        return pairs_of(self.read_index, self.settings)

    @property
    def frame(self) -> pd.DataFrame:
        """The manifest with its splits."""
        return self.pairs.frame

    @property
    def cut(self) -> Cutting | None:
        """How the pairs were cut; None if nobody knows."""
        return self.pairs.cut

    def fingerprint(self, *, sides: bool = True) -> str:
        """Return hashes of the pairs, see `oresort.data.index.fingerprint`; their planes are made first."""
        _ = self.planes
        return fingerprint(self.frame, self.cut, self._hashes, sides=sides)

    def images(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return hashes of both layers' pixels (n, 2) of some rows of the manifest, see `pixel_hashes`."""
        _ = self.planes
        return self._hashes[rows]

    def setup(self, stage: str | None = None) -> None:
        """Read the index, fix the splits and make the planes of all pairs, once."""
        _ = self.planes

    @cached_property
    def planes(self) -> Planes:
        """Planes (N, 4, S, S) of all pairs of the manifest; images on several sides of the split are reported."""
        cache = Path(self.settings.cache) if self.settings.cache else self.root / ".cache"
        self.pairs.check(by_air=self.representation.unit == "attenuation", strict=self.settings.strict)
        planes, self._hashes = self.pairs.planes(self.representation, cache)
        self._leaking_images = check_images(self.frame, self._hashes, self.root, self.settings.strict)
        return planes

    def leakage(self) -> dict[str, int]:
        """Return how many scans and images stand on several sides of the split, for a run's record."""
        _ = self.planes
        return {"leaking_scans": len(leaking_scans(self.frame)), "leaking_images": self._leaking_images}

    def count_seen(self, split: str, images: NDArray[np.uint64]) -> int:
        """Return how many pairs of a split are among images that a model was trained on, given by their hashes."""
        _ = self.planes
        return int(np.isin(self._hashes[self.pairs.rows(split), 0], images).sum())

    def trained_on(self, before: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return hashes of the images that a model has been trained on after this training, `before` of earlier ones.

        Pairs of val and test that earlier trainings have seen are leakage, and reported as such.
        """
        _ = self.planes
        train = (self.frame["split"] == "train").to_numpy()
        own, held = self._hashes[train, 0], self._hashes[~train, 0]  # of one layer: pairs are scanned once
        if count := int(np.isin(held, np.setdiff1d(before, own)).sum()):
            self._leaking_images += count
            text = f"{self.root}: leakage: the weights were trained on {count:,} pairs of its val and test"
            report(
                f"{text}; start from weights of other pairs, or train with the split that they had",
                self.settings.strict,
            )
        return np.union1d(before, own)

    def pictures(self, ids: Sequence[str]) -> dict[str, Planes]:
        """Return the planes (4, S, S) of pairs by id."""
        place = {name: i for i, name in enumerate(self.frame["id"])}
        return {name: np.array(self.planes[place[name]]) for name in ids}

    def loader(self, split: str, epoch: int | None = None) -> DataLoader[Batch]:
        """Return the batches of `split`; with `epoch`, shuffled and augmented for it. InputError if it is unknown."""
        if split not in SPLITS:
            raise InputError(f"split={split}: unknown; known are {', '.join(SPLITS)}")
        size, workers, train = self.settings.batch_size, self.settings.workers, epoch is not None
        rows, labels = self.pairs.rows(split), self.frame["label"].to_numpy(np.int64)  # of the split, of all
        # manifests are sorted by class: a shortened run must still see both
        rows = rows if train else np.random.default_rng(0).permutation(rows)
        augmentation = self.augmentation if train else None
        return DataLoader(
            PairDataset(self.planes, labels, rows, self.representation, augmentation, (self.seed, epoch or 0)),
            batch_size=size,
            # a list, since Lightning asks for the order twice when a run goes on
            sampler=shuffled(len(rows), self._epoch_seed(epoch)) if train else None,
            # a last batch of one pair would give batch norm nothing to normalise by
            drop_last=train and len(rows) % size == 1 and len(rows) > 1,
            num_workers=workers,
            collate_fn=lambda batch: batch,  # the data set makes whole batches
            multiprocessing_context="fork" if workers else None,  # workers inherit the planes, nothing is pickled
            pin_memory=torch.cuda.is_available(),
        )

    def resident_loader(self, split: str, epoch: int | None = None) -> ResidentLoader:
        """Return the batches of `split` from the trainer's device; with `epoch`, shuffled and augmented for it."""
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        size = self.settings.batch_size
        if epoch is None and device.type == "cuda":
            # without gradients there is room for more, and a small batch costs as long as a large one
            size = max(size, _LOOKED_AT // self.planes[0, 0].size)
        return ResidentLoader(
            *self.pairs.resident(self.planes, split, device),
            batch_size=size,
            representation=self.representation,
            augmentation=self.augmentation if epoch is not None else None,
            seed=self._epoch_seed(epoch),
            rank=self.trainer.global_rank if self.trainer else 0,
            world=self.trainer.world_size if self.trainer else 1,
        )

    def _blocks(self, epoch: int) -> Blocks:
        loader = self.resident_loader("train", epoch)
        device, size, pairs = loader.planes.device, self.settings.batch_size, len(loader.planes)
        if size > pairs:
            raise InputError(f"data.batch_size={size}: more than the {pairs:,} training pairs; give at most {pairs}")
        if self._draws is None or self._draws.device != device:
            self._draws = torch.Generator(device)
        return Blocks(loader, self.block, self.block_limit, self._draws)

    def _epoch_seed(self, epoch: int | None) -> int:
        # hashed: with a sum, epochs of one run would be those of the next seed's
        return int(np.random.SeedSequence((self.seed, epoch or 0)).generate_state(1)[0])

    def _batches(self, split: str, epoch: int | None = None) -> DataLoader[Batch] | ResidentLoader:
        return (self.resident_loader if self.settings.resident else self.loader)(split, epoch)

    def train_dataloader(self) -> DataLoader[Batch] | ResidentLoader | Blocks:
        """Return the training batches of the trainer's epoch; the trainer asks anew every epoch."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        return self._blocks(epoch) if self.block else self._batches("train", epoch)

    def val_dataloader(self) -> DataLoader[Batch] | ResidentLoader:
        """Return the validation batches, always the same."""
        return self._batches("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test batches, always the same."""
        return self.loader("test")

    predict_dataloader = test_dataloader
