"""How a detector's lines are sent: one header, then frames of lines, each with its length, its place and its checksums.

`docs/stream.md` describes it in ten lines; `examples/send_lines.py` sends it without this package.
"""

import struct
import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError

MAGIC, MARK, DTYPE = b"ORELINES", b"LINE", b"<u2\0"
VERSION, LAYERS = 1, 2
MOST_COLUMNS = 16_384  # of 0.1 mm they are a belt of 1.6 m; twice as many take twice the memory to calibrate on
MOST_LINES = 4_096  # of a frame
MOST_BYTES = 2**26  # of a frame's payload: what a length of garbage may make us wait for, or allocate

_HEADER = struct.Struct("<8sHHI4s")  # magic, version, layers, columns, dtype; the CRC-32 of these follows
_FRAME = struct.Struct("<4sIQI")  # mark, lines, number of the first, CRC-32 of the payload; that of these follows
_CRC = struct.Struct("<I")
HEADER_SIZE, FRAME_SIZE = _HEADER.size + _CRC.size, _FRAME.size + _CRC.size  # 24 bytes each


class Frame(NamedTuple):
    """What stands before some lines."""

    lines: int  # 0: the belt ends here
    first: int  # the sender's number of the first of them
    crc: int  # of the payload: all lines of the low layer, then all of the high one

    def size(self, columns: int) -> int:
        """Bytes of its payload."""
        return LAYERS * self.lines * columns * 2


def pack_header(columns: int) -> bytes:
    """Return what a sender of so many columns begins with."""
    head = _HEADER.pack(MAGIC, VERSION, LAYERS, columns, DTYPE)
    return head + _CRC.pack(zlib.crc32(head))


def read_header(data: bytes) -> int:
    """Return the columns that a sender of `HEADER_SIZE` bytes announces.

    Raises:
        InputError: it speaks something else, another version, or sends what is not sorted here.
    """
    magic, version, layers, columns, dtype = _HEADER.unpack(data[: _HEADER.size])
    if magic != MAGIC:
        raise InputError(f"no sender of lines, it begins with {data[:8]!r}; send as docs/stream.md says")
    if version != VERSION:
        raise InputError(f"version {version} of the protocol, known is {VERSION}; update the older of both programs")
    if zlib.crc32(data[: _HEADER.size]) != _CRC.unpack(data[_HEADER.size :])[0]:
        raise InputError("a header with a wrong checksum; see to the link")
    if layers != LAYERS:
        raise InputError(f"{layers} layers; send low and high")
    if dtype != DTYPE:
        raise InputError(f"counts of type {dtype.rstrip(bytes(1))!r}; send little-endian uint16, '<u2'")
    if not 1 <= columns <= MOST_COLUMNS:
        raise InputError(f"{columns} columns; send 1 to {MOST_COLUMNS}")
    return int(columns)


def pack_frame(first: int, low: NDArray[np.uint16], high: NDArray[np.uint16]) -> bytes:
    """Return one frame of both layers' counts (n, W); without lines it says that the belt ends."""
    payload = b"".join(np.ascontiguousarray(layer, "<u2").tobytes() for layer in (low, high))
    head = _FRAME.pack(MARK, len(low), first, zlib.crc32(payload))
    return head + _CRC.pack(zlib.crc32(head)) + payload


def read_frame(data: bytes, columns: int) -> Frame:
    """Return what `FRAME_SIZE` bytes say of the lines after them.

    Raises:
        InputError: they are no frame, so that nobody knows where the next one begins.
    """
    mark, lines, first, crc = _FRAME.unpack(data[: _FRAME.size])
    if mark != MARK or zlib.crc32(data[: _FRAME.size]) != _CRC.unpack(data[_FRAME.size :])[0]:
        raise InputError(f"garbage in place of a frame, {data[:8]!r} ...; see to the sender")
    frame = Frame(lines, first, crc)
    if lines > MOST_LINES or frame.size(columns) > MOST_BYTES or first >= 2**62:
        raise InputError(f"a frame of {lines:,} lines from {first:,} on; send at most {MOST_LINES:,}, or 64 MiB")
    return frame


def counts_of(payload: memoryview, frame: Frame, columns: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]] | None:
    """Return both layers' counts (n, W) of a payload, as views of it; None where its checksum is another."""
    if zlib.crc32(payload) != frame.crc:
        return None
    both = np.frombuffer(payload, "<u2").reshape(LAYERS, frame.lines, columns).astype(np.uint16, copy=False)
    return both[0], both[1]
