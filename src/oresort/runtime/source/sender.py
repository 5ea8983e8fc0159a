"""One sender's lines: its header, then frame after frame, what is damaged or missing named and kept in its place."""

from collections.abc import Iterator

import numpy as np

from oresort.errors import InputError
from oresort.runtime.source.event import Block, Event, Gap, Log, Piece
from oresort.runtime.source.protocol import (
    FRAME_SIZE,
    HEADER_SIZE,
    LAYERS,
    MOST_LINES,
    Frame,
    counts_of,
    read_frame,
    read_header,
)
from oresort.runtime.source.wire import GoneError, Wire

MOST_MISSING = 512  # lines that are put in as lost so that the belt's lines keep their places; of more the belt is cut


def check_header(wire: Wire, columns: int | None) -> int:
    """Return a sender's columns.

    Raises:
        InputError: its header cannot be used, or it has other columns than are wanted.
        GoneError: it left before.
    """
    found = read_header(wire.take(HEADER_SIZE))
    if columns is not None and found != columns:
        raise InputError(f"{found} columns, expected are {columns}; send the lines of the sorter that is calibrated")
    return found


def lines_of(wire: Wire, columns: int, name: str, log: Log) -> Iterator[Event]:
    """Yield a sender's pieces of belt and their blocks, until it says that the belt ends.

    Lines whose checksum is wrong, or that never came, are of zero counts: the cutter takes them as lost, and lines
    after them keep their places. Lines that come twice are left out.

    Raises:
        InputError: garbage in place of a frame: where the next one begins is not known.
        GoneError: it left.
    """
    expected: int | None = None
    while True:
        frame = read_frame(wire.take(FRAME_SIZE), columns)
        if not frame.lines:
            if expected is not None and frame.first > expected:
                log("gap", f"{name}: lines {expected:,} to {frame.first - 1:,} never came, the belt ends before them")
            log("end", f"{name}: the sender ends it at line {frame.first:,}")
            return
        payload = np.empty(frame.size(columns), np.uint8).data
        try:
            wire.fill(payload)
        except GoneError as error:
            raise GoneError(error.missing, clean=False) from None  # its head had come
        if expected is None or not -MOST_LINES <= frame.first - expected <= MOST_MISSING:
            if expected is not None:
                log("gap", f"{name}: line {frame.first:,} follows {expected - 1:,}, so the belt is cut there")
                yield Gap()
            yield Piece(name, frame.first)
            expected = frame.first
        missing, double = max(frame.first - expected, 0), max(expected - frame.first, 0)
        if missing:
            log("gap", f"{name}: lines {expected:,} to {frame.first - 1:,} never came, they count as lost")
            yield _lost(missing, columns, wire.came)
        if double:
            last = min(expected, frame.first + frame.lines) - 1
            log("double", f"{name}: lines {frame.first:,} to {last:,} came twice, they are left out")
        counts = counts_of(payload, frame, columns)
        if counts is None:
            log("checksum", f"{name}: {_span(frame)} have another checksum than was sent, they count as lost")
        if double < frame.lines:
            if counts is None:
                yield _lost(frame.lines - double, columns, wire.came)
            else:
                yield Block(counts[0][double:], counts[1][double:], wire.came)
        expected = max(expected, frame.first + frame.lines)


def _lost(lines: int, columns: int, came: float) -> Block:
    low, high = np.zeros((LAYERS, lines, columns), np.uint16)
    return Block(low, high, came)


def _span(frame: Frame) -> str:
    return f"lines {frame.first:,} to {frame.first + frame.lines - 1:,}"
