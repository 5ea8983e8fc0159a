"""Planes of many pairs in one file, kept and checked shard by shard: what a kill leaves is gone on with."""

import fcntl
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from oresort.files.write import replacing
from oresort.represent.representation import Planes

_BYTES, _ROWS = 2**26, 4096  # of a shard's planes, at most
_NONE = -1  # in place of a checksum: to be made

Hashes = NDArray[np.uint64]


class Store:
    """The planes (N, 4, S, S) float32 of N pairs and their hashes (N, 2), with a checksum of every shard of rows.

    Args:
        folder: where its files lie.
        key: names all that they depend on.
        shape: of the planes.
    """

    def __init__(self, folder: Path, key: str, shape: tuple[int, int, int, int]) -> None:
        self.file, self.beside = folder / f"planes-{key}.npy", folder / f"hashes-{key}.npy"
        self._places = folder / f"places-{key}.txt"
        self._sums, self._lock = folder / f"sums-{key}.npy", folder / f"planes-{key}.lock"
        step = max(1, min(_ROWS, _BYTES // (4 * int(np.prod(shape[1:])))))
        self.spans = [slice(start, min(start + step, shape[0])) for start in range(0, shape[0], step)]
        self._kinds: dict[Path, tuple[tuple[int, ...], DTypeLike]] = {
            self.file: (shape, np.float32),
            self.beside: ((shape[0], 2), np.uint64),
            self._sums: ((len(self.spans),), np.int64),
        }

    def planes(self) -> Planes:
        """Return the planes, mapped to read."""
        planes: Planes = np.load(self.file, mmap_mode="r")
        return planes

    def hashes(self) -> Hashes:
        """Return the hashes."""
        hashes: Hashes = np.load(self.beside)
        return hashes

    def missing(self) -> list[int]:
        """Return the shards that are not there as they were written."""
        planes, hashes, sums = (_mapped(file, *what) for file, what in self._kinds.items())
        if planes is None or hashes is None or sums is None:
            return list(range(len(self.spans)))

        def wrong(number: int) -> bool:
            span = self.spans[number]
            return bool(sums[number] != _checksum(planes[span], hashes[span]))

        with ThreadPoolExecutor() as pool:  # checksums release the interpreter lock
            numbers = range(len(self.spans))
            return [number for number, is_wrong in zip(numbers, pool.map(wrong, numbers), strict=True) if is_wrong]

    def damaged(self, missing: Sequence[int]) -> bool:
        """Tell whether something is there in the place of what is `missing`, other than shards still to be made."""
        found = {file: _mapped(file, *what) for file, what in self._kinds.items()}
        sums = found[self._sums]
        odd = any(one is None and file.exists() for file, one in found.items())
        return odd or (sums is not None and any(sums[number] != _NONE for number in missing))

    def remove(self) -> None:
        """Remove all files."""
        for file in (*self._kinds, self._places):
            with suppress(OSError):
                file.unlink()

    def read_from(self, places: str) -> bool:
        """Tell whether the images that `places` stands for are known to be those of the planes."""
        try:
            return self._places.read_bytes() == places.encode()
        except OSError:
            return False

    def note(self, places: str) -> None:
        """Keep that they are; where nothing can be written they are compared anew each time."""
        if not self.read_from(places):
            with suppress(OSError), replacing(self._places) as temporary:
                temporary.write_text(places, encoding="ascii")

    def prepare(self) -> None:
        """Make the files that are not what they should be, without any shard; OSError where there is no room."""
        for file, (shape, kind) in self._kinds.items():
            if _mapped(file, shape, kind) is None:
                with replacing(file) as temporary:
                    blank = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.dtype(kind), shape=shape)
                    _allocate(temporary)
                    if file == self._sums:
                        blank[:] = _NONE
                    blank.flush()

    def put(self, number: int, planes: Planes, hashes: Hashes) -> None:
        """Write a shard; its checksum last, without which it is none."""
        span = self.spans[number]
        self._write(self.file, span.start, planes)
        self._write(self.beside, span.start, hashes)
        self._write(self._sums, number, np.array([_checksum(planes, hashes)]))

    def _write(self, file: Path, start: int, rows: NDArray[Any]) -> None:
        shape, kind = self._kinds[file]
        first = np.load(file, mmap_mode="r").offset + start * int(np.prod(shape[1:])) * np.dtype(kind).itemsize
        # rather than through the map, where a disk that cannot be written to ends the process
        with file.open("r+b") as stream:
            stream.seek(first)
            stream.write(np.ascontiguousarray(rows, kind).data)
            stream.flush()
            os.fsync(stream.fileno())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other process makes these planes; the lock ends with the process, however that ends."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                _wait_for(handle, self._lock)
                # whoever had it has removed it, and another may have made it anew
                if self._lock.exists() and os.fstat(handle).st_ino == self._lock.stat().st_ino:
                    break
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
        try:
            yield
        finally:
            self._lock.unlink(missing_ok=True)
            os.close(handle)


def _wait_for(handle: int, file: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"note: {file.with_suffix('.npy')}: another process is making it, this one waits", file=sys.stderr)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks: what two write is the same, and is read back


def _mapped(file: Path, shape: tuple[int, ...], kind: DTypeLike) -> NDArray[Any] | None:
    """Return what a file holds, mapped to read; None where that is not what it should be."""
    try:
        found = np.load(file, mmap_mode="r")
    except Exception:  # a damaged file may raise anything
        return None
    return found if isinstance(found, np.memmap) and (found.shape, found.dtype) == (shape, np.dtype(kind)) else None


def _checksum(planes: NDArray[Any], hashes: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(hashes).data, zlib.crc32(np.ascontiguousarray(planes).data))


def _allocate(file: Path) -> None:
    """Claim the space first: a full disk is an error at once, and not after an hour."""
    with file.open("r+b") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(file)) from error
