"""Prepared pairs in one memory-mapped file, so that an epoch never decodes an image."""

import hashlib
import os
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.console.progress import track
from oresort.data.leaks import pixel_hashes
from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.files.write import replacing
from oresort.represent.representation import PLANES, Planes, Representation

_Row = tuple[str, str, float, str]  # low, high, air, background
_VERSION = 3  # raised when the same settings give other planes, or other files


class Cached(NamedTuple):
    """What is kept of all pairs of a manifest."""

    planes: Planes  # (N, 4, S, S) float32, read-only and memory-mapped
    hashes: NDArray[np.uint64]  # (N, 2), of each layer's pixels, see `pixel_hashes`


def cached_planes(frame: pd.DataFrame, root: Path, representation: Representation, folder: Path) -> Cached:
    """Return the planes of all pairs of a manifest, and hashes of their images.

    Built once, in `folder`; found again as long as the pairs' files (judged by size and time of change, as make does),
    their air levels and the representation's settings are the same. What is found is checked against the checksum
    written with it, and built anew where it is damaged.

    Raises:
        InputError: an image that cannot be used, or a folder that cannot be written.
    """
    rows = list(zip(frame["low"], frame["high"], frame["air"], frame["background"], strict=True))
    file = folder / f"planes-{_key(rows, root, representation)}.npy"
    beside = file.with_name(f"hashes-{file.stem.removeprefix('planes-')}.npz")
    shape = (len(rows), PLANES, representation.size, representation.size)
    if (found := _found(file, beside, shape)) is not None:
        return found
    try:
        # the planes are in place before what vouches for them
        with replacing(beside) as other, replacing(file) as temporary:
            hashes, checksum = _build(rows, root, representation, temporary, shape)
            with other.open("wb") as stream:
                np.savez(stream, hashes=hashes, checksum=np.uint32(checksum))
    except OSError as error:
        raise InputError(f"{folder}: cannot write the cache ({error.strerror}); set data.cache=DIR") from error
    return Cached(np.load(file, mmap_mode="r"), hashes)


def _found(file: Path, beside: Path, shape: tuple[int, ...]) -> Cached | None:
    """Return what was kept, or None where there is nothing, or something else than was written."""
    if not (file.is_file() and beside.is_file()):
        return None
    try:
        with beside.open("rb") as stream, np.load(stream) as vouching:
            hashes, checksum = vouching["hashes"], int(vouching["checksum"])
        planes = np.load(file, mmap_mode="r")
        whole = planes.shape == shape and planes.dtype == np.float32 and hashes.shape == (shape[0], 2)
        if whole and zlib.crc32(np.ascontiguousarray(planes).data) == checksum:
            return Cached(planes, hashes)
    except Exception:  # a damaged file may raise anything; it is built anew below
        pass
    print(f"warning: {file}: not as it was written; built anew", file=sys.stderr)
    return None


def read_counts(root: Path, low: str, high: str) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return both layers (H, W) of a pair; InputError for an image that cannot be used, or is of a single value."""
    layers = read_pair(root / low, root / high)
    for image, path in zip(layers, (low, high), strict=True):
        if image.min() == image.max():
            raise InputError(f"{root / path}: every pixel is {image.flat[0]}; scan it again or take it out")
    return layers


def _key(rows: list[_Row], root: Path, representation: Representation) -> str:
    digest = hashlib.blake2b(f"{_VERSION} {representation.identity}".encode(), digest_size=12)
    for row in rows:
        digest.update(repr(row).encode())
        for path in row[:2]:
            try:
                stat = (root / path).stat()
            except OSError as error:
                raise InputError(f"{root / path}: no such image; add it or take its row out") from error
            digest.update(f" {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()


def _build(
    rows: list[_Row], root: Path, representation: Representation, file: Path, shape: tuple[int, ...]
) -> tuple[NDArray[np.uint64], int]:
    """Write the planes of all pairs; return the hashes of their images, and the planes' checksum."""
    planes = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)
    _allocate(file)
    hashes = np.empty((len(rows), 2), np.uint64)

    def made(row: _Row) -> tuple[Planes, tuple[int, int]]:
        layers = read_counts(root, *row[:2])
        return representation.planes(*layers, *row[2:]), pixel_hashes(*layers)

    # decoding and resizing release the interpreter lock, so threads are enough
    with ThreadPoolExecutor() as pool:
        try:
            for i, one in enumerate(track(pool.map(made, rows), len(rows), "preparing pairs")):
                planes[i], hashes[i] = one
        except BaseException:
            pool.shutdown(cancel_futures=True)  # else an interrupt waits until all pairs are made
            raise
    planes.flush()  # on the disk before its name is
    return hashes, zlib.crc32(planes.data)


def _allocate(file: Path) -> None:
    """Claim the space first: a full disk is an error here, and a dead process where a mapped page is written to it."""
    with file.open("r+b") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(file)) from error
