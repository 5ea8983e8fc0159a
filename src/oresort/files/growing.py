"""A table that grows while it is used: whole rows alone, whatever kills the process that writes it."""

import os
from pathlib import Path
from typing import Self

from oresort.errors import InputError

_AT_ONCE = 2**20  # bytes looked at together


class Growing:
    """Adds text to a file, row by row; what an earlier process left torn at its end is dropped on opening.

    `torn` is how many bytes that were, `rows` how many whole rows stand below the heading. Every text added ends with a
    newline and goes to the system in one call, so that a killed process tears at most the last one.

    Args:
        path: the file; made if it is not there.
        heading: its first line, without the newline.
        most: rows to keep at most, of which an earlier process recorded that they are whole; None: all.

    Raises:
        InputError: it begins with another line, or has fewer rows than were recorded.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, heading: str, most: int | None = None) -> None:
        self.path, self._dirty = path, True  # what an earlier process left may not be on the disk either
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            first = f"{heading}\n".encode()
            head = os.pread(self._handle, len(first), 0)
            if head != first and not first.startswith(head):
                raise InputError(f"{path}: a table of something else; name another folder")
            if head != first:  # killed amid its first line
                os.ftruncate(self._handle, 0)
                self.add(first.decode())
            rows, end, size = self._count(None if most is None else most + 1)
            if most is not None and rows - 1 < most:
                raise InputError(f"{path}: has {rows - 1:,} rows, {most:,} were recorded; name another folder")
            self.rows, self.torn = rows - 1, size - end
            os.ftruncate(self._handle, end)
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def add(self, text: str) -> None:
        """Add whole rows; OSError names the file."""
        data = memoryview(text.encode())
        self._dirty = True
        try:
            while data:
                data = data[os.write(self._handle, data) :]
        except OSError as error:
            error.filename = str(self.path)
            raise

    def sync(self) -> None:
        """Have what was added on the disk; costs nothing where nothing was."""
        if not self._dirty:
            return
        self._dirty = False  # first: what another thread adds meanwhile is left to the next call
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            error.filename = str(self.path)
            raise

    def last(self) -> str:
        """Return the last whole row without its newline; the heading where there is none."""
        size = os.fstat(self._handle).st_size
        tail = os.pread(self._handle, min(size, _AT_ONCE), max(size - _AT_ONCE, 0))
        return tail[:-1].rpartition(b"\n")[2].decode(errors="replace")

    def _count(self, most: int | None) -> tuple[int, int, int]:
        """Return the number of whole lines, up to `most`, the byte after the last of them, and the file's size."""
        lines = end = offset = 0
        while data := os.pread(self._handle, _AT_ONCE, offset):
            place = data.find(b"\n")
            while place >= 0 and (most is None or lines < most):
                lines, end = lines + 1, offset + place + 1
                place = data.find(b"\n", place + 1)
            offset += len(data)
        return lines, end, offset
