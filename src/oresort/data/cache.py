"""Prepared pairs in one memory-mapped file, so that an epoch never decodes an image."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.console.progress import track
from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.files.write import replacing
from oresort.represent.representation import PLANES, Planes, Representation

_Row = tuple[str, str, float, str]  # low, high, air, background
_VERSION = 1  # raised when the same settings give other planes


def cached_planes(frame: pd.DataFrame, root: Path, representation: Representation, folder: Path) -> Planes:
    """Return planes (N, 4, S, S) float32 of all pairs of a manifest, read-only and memory-mapped.

    Built once, in `folder`; found again as long as the pairs' files (judged by size and time of change, as make does),
    their air levels and the representation's settings are the same.

    Raises:
        InputError: an image that cannot be used, or a folder that cannot be written.
    """
    rows = list(zip(frame["low"], frame["high"], frame["air"], frame["background"], strict=True))
    file = folder / f"planes-{_key(rows, root, representation)}.npy"
    if not file.is_file():
        try:
            with replacing(file) as temporary:
                _build(rows, root, representation, temporary)
        except OSError as error:
            raise InputError(f"{folder}: cannot write the cache ({error.strerror}); set data.cache=DIR") from error
    planes: Planes = np.load(file, mmap_mode="r")
    return planes


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


def _build(rows: list[_Row], root: Path, representation: Representation, file: Path) -> None:
    shape = (len(rows), PLANES, representation.size, representation.size)
    planes = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape)

    def made(row: _Row) -> Planes:
        return representation.planes(*read_counts(root, *row[:2]), *row[2:])

    # decoding and resizing release the interpreter lock, so threads are enough
    with ThreadPoolExecutor() as pool:
        try:
            for i, plane in enumerate(track(pool.map(made, rows), len(rows), "preparing pairs")):
                planes[i] = plane
        except BaseException:
            pool.shutdown(cancel_futures=True)  # else an interrupt waits until all pairs are made
            raise
    planes.flush()  # on the disk before its name is
