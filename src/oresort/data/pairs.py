"""What one job of a sweep has read of a dataset, kept in memory for the next one in the same process."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from oresort.data.cache import Cached, cached_planes
from oresort.data.leaks import report
from oresort.data.looks import doubts
from oresort.data.settings import PairsConfig
from oresort.errors import InputError
from oresort.files.dataset import Cutting, read_dataset
from oresort.files.layout import MANIFEST, SPLIT_FILE, UNLABELLED
from oresort.files.write import MARK
from oresort.represent.representation import Planes, Representation

Index = Callable[[PairsConfig], pd.DataFrame]
"""Reads which pairs there are, such as `index_pairs`."""


class OnDevice(NamedTuple):
    """One split on the training device."""

    planes: Tensor  # (N, 4, S, S) float32
    labels: Tensor  # (N,) int64, ore 1
    rows: Tensor  # (N,) int64, of the manifest


class Pairs:
    """A dataset's pairs as `settings` choose them, with what was made of them last.

    Raises:
        InputError: what `index` finds wrong.
    """

    def __init__(self, index: Index, settings: PairsConfig) -> None:
        self.root = Path(settings.root)
        # before the files are read: what changes meanwhile is another state then
        texts = _states(self._texts())
        self.frame = index(settings)
        self.state = texts + _states(self._images())
        self._planes: tuple[tuple[str, Path], Cached, bytes] | None = None
        self._doubts: dict[bool, str] = {}
        self._resident: dict[tuple[str, torch.device], tuple[Planes, OnDevice]] = {}

    @cached_property
    def cut(self) -> Cutting | None:
        """How the pairs were cut; None if nobody knows."""
        return read_dataset(self.root)

    def unchanged(self) -> bool:
        """Tell whether all files are those that were read, by size, time of change and place on the disk."""
        return _states(self._texts()) + _states(self._images()) == self.state

    def _texts(self) -> Iterator[str]:
        yield from (str(self.root / name) for name in (MANIFEST, UNLABELLED, SPLIT_FILE, MARK))

    def _images(self) -> Iterator[str]:
        base = f"{self.root}/"
        names = [*self.frame["low"], *self.frame["high"]]
        if not (self.root / MANIFEST).is_file():  # the folders are the index: what is added to one changes it
            above = {os.path.dirname(name) for name in names}  # noqa: PTH120 - 60,000 names
            names += sorted(above | {os.path.dirname(name) for name in above} - {""})  # noqa: PTH120
            names += sorted(path.name for path in self.root.iterdir() if not path.name.startswith("."))
        yield from (base + name for name in names)

    def check(self, *, by_air: bool, strict: bool) -> None:
        """Report what of the images cannot be right, see `doubts`; they are looked at once.

        Raises:
            InputError: most of them, or with `strict` any.
        """
        if by_air not in self._doubts:
            self._doubts[by_air] = doubts(self.frame, self.root, by_air=by_air)
        if self._doubts[by_air]:
            report(self._doubts[by_air], strict)

    def planes(self, representation: Representation, cache: Path) -> Cached:
        """Return the planes of all pairs and their hashes, see `cached_planes`; those of the last call are kept."""
        key = representation.identity, cache
        if self._planes is None or self._planes[0] != key or self._planes[2] != _file_of(self._planes[1]):
            self._planes = None  # the old ones go before the new ones come
            self._resident.clear()
            found = cached_planes(self.frame, self.root, representation, cache)
            self._planes = key, found, _file_of(found)
        return self._planes[1]

    def rows(self, split: str) -> NDArray[np.int64]:
        """Return the rows of the manifest in `split`."""
        return np.flatnonzero(self.frame["split"] == split)

    def resident(self, planes: Planes, split: str, device: torch.device) -> OnDevice:
        """Return a split of what `planes` returned, on a device; kept, of the planes that were asked for last.

        Raises:
            InputError: the device has not the memory for them.
        """
        source, found = self._resident.get((split, device), (None, None))
        if found is None or source is not planes:
            self._resident = {key: kept for key, kept in self._resident.items() if kept[0] is planes}
            rows, labels = self.rows(split), self.frame["label"].to_numpy(np.int64)
            if device.type == "cuda":
                check_room(len(rows) * planes[:1].nbytes, torch.cuda.mem_get_info(device)[0], split)
            found = OnDevice(*(torch.from_numpy(part).to(device) for part in (planes[rows], labels[rows], rows)))
            if device.type == "cuda":
                torch.cuda.synchronize(device)  # another training may read them on a stream of its own
            self._resident[split, device] = planes, found
        return found


def check_room(need: int, free: int, split: str) -> None:
    """Refuse pairs of `split` that take `need` bytes of the `free` ones of a device, and leave nothing to train with.

    Raises:
        InputError: more than nine tenths.
    """
    if need > 0.9 * free:
        raise InputError(
            f"data.resident: the {split} pairs take {need / 2**30:.1f} GiB, and the device has {free / 2**30:.1f} GiB "
            "free; set data.resident=false, a smaller representation.size or data.limit"
        )


_last: tuple[tuple[object, ...], Pairs] | None = None


def pairs_of(index: Index, settings: PairsConfig) -> Pairs:
    """Return the pairs that `settings` choose; those of the last call while they are the same, and so are their files.

    Only the last ones are kept, so that a sweep over datasets holds one of them at a time.
    """
    global _last
    chosen = {name: asdict(settings)[name] for name in PairsConfig.__dataclass_fields__}
    key = index, Path(settings.root).absolute(), tuple(chosen.values())
    if _last is None or _last[0] != key or not _last[1].unchanged():
        _last = None  # the old ones go before the new ones come
        _last = key, Pairs(index, settings)
    return _last[1]


def _states(files: Iterator[str]) -> bytes:
    """Return a hash of files' size, time of change and place on the disk, all that is kept of two million images."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        try:
            found = os.stat(file)  # noqa: PTH116 - of every image
            digest.update(f"{found.st_size} {found.st_mtime_ns} {found.st_ino} {found.st_dev} ".encode())
        except OSError:
            digest.update(b"none ")
    return digest.digest()


def _file_of(cached: Cached) -> bytes:
    """Return the state of the file that planes are mapped from: planes written over are others."""
    return _states(iter([str(getattr(cached.planes, "filename", ""))]))
