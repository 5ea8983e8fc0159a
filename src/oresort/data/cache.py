"""Prepared pairs in one memory-mapped file, so that an epoch never decodes an image."""

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.console.parallel import cores, in_parallel
from oresort.console.progress import advancing
from oresort.data.leaks import pixel_hashes
from oresort.data.store import Hashes, Store
from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.represent.representation import PLANES, Planes, Representation
from oresort.xray.transmission import FULL_SCALE

_Row = tuple[str, str, float, str]  # low, high, air, background
_VERSION = 4  # raised when the same settings give other planes, or other files
_FEW = 4  # shards that are made here: other processes take seconds to begin
_MOST = 16  # processes, of some 200 MB each


class Cached(NamedTuple):
    """What is kept of all pairs of a manifest."""

    planes: Planes  # (N, 4, S, S) float32, read-only and memory-mapped
    hashes: Hashes  # (N, 2), of each layer's pixels, see `pixel_hashes`


def cached_planes(frame: pd.DataFrame, root: Path, representation: Representation, folder: Path) -> Cached:
    """Return the planes of all pairs of a manifest, and hashes of their images.

    Built once, in `folder`, shard by shard, many of them by all cores; what was killed goes on. Found again as long as
    the pairs' files (judged by size and time of change, as make does), their air levels and the representation's
    settings are the same. What is found is checked against the checksums written with it, and shards that are damaged
    are built anew.

    Raises:
        InputError: an image that cannot be used, or a folder that cannot be written.
    """
    rows = list(zip(frame["low"], frame["high"], frame["air"], frame["background"], strict=True))
    shape = (len(rows), PLANES, representation.size, representation.size)
    store = Store(folder, _key(rows, root, representation), shape)
    if store.missing():
        try:
            with store.alone():
                _fill(store, rows, root, representation)
        except OSError as error:
            raise InputError(f"{folder}: cannot write the cache ({error.strerror}); set data.cache=DIR") from error
    return Cached(store.planes(), store.hashes())


def read_counts(root: Path, low: str, high: str) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return both layers (H, W) of a pair; InputError for an image that cannot be used, or is of a single value."""
    layers = read_pair(root / low, root / high)
    for image, path in zip(layers, (low, high), strict=True):
        if image.min() == image.max():
            raise InputError(f"{root / path}: every pixel is {image.flat[0]}; scan it again or take it out")
    return layers


def _key(rows: list[_Row], root: Path, representation: Representation) -> str:
    digest = hashlib.blake2b(f"{_VERSION} {representation.identity}".encode(), digest_size=12)
    base = f"{root}/"
    for row in rows:
        digest.update(repr(row).encode())
        for path in row[:2]:
            try:
                stat = os.stat(base + path)  # noqa: PTH116 - of every image
            except OSError as error:
                raise InputError(f"{root / path}: no such image; add it or take its row out") from error
            digest.update(f" {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def _fill(store: Store, rows: list[_Row], root: Path, representation: Representation) -> None:
    """Make the shards that are missing; what a process that was killed has made stays."""
    missing = store.missing()  # another process may have made some meanwhile
    total, how = len(store.spans), "not as it was written; built anew"
    if not missing:
        return
    if store.damaged(missing):
        print(f"warning: {store.file}: {how}, {len(missing)} of {total} shards", file=sys.stderr)
    elif len(missing) < total:
        print(f"note: {store.file}: {total - len(missing)} of {total} shards are there, going on", file=sys.stderr)
    try:
        store.prepare()
        items = [(number, rows[store.spans[number]]) for number in missing]
        if len(missing) < _FEW or cores() == 1:
            _put_here(store, root, representation, items)
        else:
            in_parallel(partial(_put, store, root, representation), items, min(cores(), _MOST), "preparing shards")
    except (InputError, OSError) as error:
        if not isinstance(error.__cause__, BrokenProcessPool):
            store.remove()  # an image that is mended, or a disk with room, asks for other files
        raise
    if store.missing():
        raise InputError(f"{store.file}: is not what was written to it; see to the disk, or set data.cache=DIR")


def _put_here(store: Store, root: Path, representation: Representation, items: list[tuple[int, list[_Row]]]) -> None:
    with advancing(sum(len(part) for _, part in items), "preparing pairs") as advance, ThreadPoolExecutor() as pool:
        try:
            for number, part in items:
                found = []
                for one in pool.map(partial(_one, root, representation), part):
                    found.append(one)
                    advance(1)
                _store(store, number, found)
        except BaseException:
            pool.shutdown(cancel_futures=True)  # else an interrupt waits until all pairs are made
            raise


def _put(store: Store, root: Path, representation: Representation, item: tuple[int, list[_Row]]) -> None:
    """Make a shard, in a process of its own."""
    number, part = item
    _store(store, number, [_one(root, representation, row) for row in part])


def _one(root: Path, representation: Representation, row: _Row) -> tuple[Planes, tuple[int, int]]:
    layers = read_counts(root, *row[:2])
    planes = representation.planes(*layers, *row[2:])
    if not np.isfinite(planes).all():  # those here cannot, and a user's own would train to NaN
        why = f"{type(representation).__name__} makes values of {root / row[0]} that are no numbers"
        raise InputError(f"representation: {why}; mend it for every count from 0 to {FULL_SCALE:,}")
    return planes, pixel_hashes(*layers)


def _store(store: Store, number: int, found: list[tuple[Planes, tuple[int, int]]]) -> None:
    store.put(number, np.stack([planes for planes, _ in found]), np.array([both for _, both in found], np.uint64))
