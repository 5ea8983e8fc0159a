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

from oresort.console.parallel import cores, in_parallel
from oresort.console.progress import advancing
from oresort.data.counts import Row, read_counts, rows_of
from oresort.data.leaks import pixel_hashes
from oresort.data.store import Hashes, Store
from oresort.errors import InputError
from oresort.represent.representation import PLANES, Planes, Representation
from oresort.xray.transmission import FULL_SCALE

_VERSION = 5  # raised when the same settings give other planes, or other files
_FEW = 4  # shards that are made here: other processes take seconds to begin
_MOST = 16  # processes, of some 200 MB each


class Cached(NamedTuple):
    """What is kept of all pairs of a manifest."""

    planes: Planes  # (N, 4, S, S) float32, read-only and memory-mapped
    hashes: Hashes  # (N, 2), of each layer's pixels, see `pixel_hashes`


def cached_planes(frame: pd.DataFrame, root: Path, representation: Representation, folder: Path) -> Cached:
    """Return the planes of all pairs of a manifest, and hashes of their images.

    Built once, in `folder`, shard by shard, many of them by all cores; what was killed goes on. Found again as long as
    the pairs' files (judged by size and time of change, as make does), what the manifest says of them and the
    representation's settings are the same. Where the files are not those on the disk that were read, copied ones or
    exchanged ones, all pixels are compared. What is found is checked against the checksums written with it, and shards
    that are damaged are built anew.

    Raises:
        InputError: an image that cannot be used, or a folder that cannot be written.
    """
    rows = rows_of(frame)
    shape = (len(rows), PLANES, representation.size, representation.size)
    key, places = _key(rows, root, representation)
    store = Store(folder, key, shape)
    found = not store.missing()
    if not found or (not store.read_from(places) and _changed(store, rows, root)):
        try:
            with store.alone():
                _fill(store, rows, root, representation, found)
        except OSError as error:
            raise InputError(f"{folder}: cannot write the cache ({error.strerror}); set data.cache=DIR") from error
    store.note(places)
    return Cached(store.planes(), store.hashes())


def _key(rows: list[Row], root: Path, representation: Representation) -> tuple[str, str]:
    """Return what planes depend on, and where the images lie on the disk, since when: nobody sets that time."""
    places = hashlib.blake2b(digest_size=12)
    digest = hashlib.blake2b(f"{_VERSION} {representation.identity}".encode(), digest_size=12)
    base = f"{root}/"
    for row in rows:
        digest.update(repr(tuple(row)).encode())
        for path in (row.low, row.high):
            try:
                stat = os.stat(base + path)  # noqa: PTH116 - of every image
            except OSError as error:
                raise InputError(f"{root / path}: no such image; add it or take its row out") from error
            digest.update(f" {stat.st_size} {stat.st_mtime_ns}".encode())
            places.update(f" {stat.st_ino} {stat.st_ctime_ns}".encode())
    return digest.hexdigest(), places.hexdigest()


def _changed(store: Store, rows: list[Row], root: Path) -> Path | None:
    """Return the low layer of a pair whose pixels are not those that the planes are of; None if all are.

    Archives that can be made again give all files one time, and images that are not packed have the size of their crop.
    """
    known = map(tuple, store.hashes().tolist())
    with advancing(len(rows), "comparing images") as advance, ThreadPoolExecutor() as pool:
        try:
            for row, before, now in zip(rows, known, pool.map(partial(_hashes, root), rows), strict=True):
                if now != before:
                    return root / row.low
                advance(1)
        finally:
            pool.shutdown(cancel_futures=True)
    return None


def _hashes(root: Path, row: Row) -> tuple[int, int]:
    return pixel_hashes(*read_counts(root, row))


def _fill(store: Store, rows: list[Row], root: Path, representation: Representation, found: bool) -> None:
    """Make the shards that are missing, all if those `found` are of other images; what a kill has left stays."""
    missing = store.missing()  # another process may have made some meanwhile
    total, how = len(store.spans), "not as it was written; built anew"
    if not missing:
        if not found or (file := _changed(store, rows, root)) is None:
            return
        text = "is another image than these planes are of, with the same size and time of change"
        print(f"warning: {store.file}: {file} or its other layer {text}; built anew", file=sys.stderr)
        store.remove()
        missing = store.missing()
    elif store.damaged(missing):
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


def _put_here(store: Store, root: Path, representation: Representation, items: list[tuple[int, list[Row]]]) -> None:
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


def _put(store: Store, root: Path, representation: Representation, item: tuple[int, list[Row]]) -> None:
    """Make a shard, in a process of its own."""
    number, part = item
    _store(store, number, [_one(root, representation, row) for row in part])


def _one(root: Path, representation: Representation, row: Row) -> tuple[Planes, tuple[int, int]]:
    layers = read_counts(root, row)
    planes = representation.planes(*layers, row.air, row.background)
    if not np.isfinite(planes).all():  # those here cannot, and a user's own would train to NaN
        why = f"{type(representation).__name__} makes values of {root / row.low} that are no numbers"
        raise InputError(f"representation: {why}; mend it for every count from 0 to {FULL_SCALE:,}")
    return planes, pixel_hashes(*layers)


def _store(store: Store, number: int, found: list[tuple[Planes, tuple[int, int]]]) -> None:
    store.put(number, np.stack([planes for planes, _ in found]), np.array([both for _, both in found], np.uint64))
