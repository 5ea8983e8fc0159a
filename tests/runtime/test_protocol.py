"""What a sender sends is read to the bit, and a single wrong byte of it is seen."""

import array
import fcntl
import os
import runpy
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

import oresort
from oresort.errors import InputError
from oresort.runtime.source import protocol
from oresort.runtime.source.event import Block, Event, Gap, Piece
from oresort.runtime.source.sender import MOST_MISSING, check_header, lines_of
from oresort.runtime.source.wire import GoneError, Wire

SENDER = Path(oresort.__file__).parents[2] / "examples" / "send_lines.py"
COLUMNS = 7
RNG = np.random.default_rng(0)
LOW, HIGH = RNG.integers(0, 65_536, (2, 60, COLUMNS), np.uint16)


def frame(first: int, lines: int, low: np.ndarray = LOW, high: np.ndarray = HIGH) -> bytes:
    return protocol.pack_frame(first, low[first : first + lines], high[first : first + lines])


def end(line: int = 60) -> bytes:
    return protocol.pack_frame(line, LOW[:0], HIGH[:0])


def heard(data: bytes, piece: int | None = None) -> tuple[list[Event], list[str], BaseException | None]:
    """What is made of some bytes, sent in one piece or in small ones, what is logged, and what ends it."""
    read, write = os.pipe()

    def send() -> None:
        with os.fdopen(write, "wb", buffering=0) as pipe:
            size = piece or max(len(data), 1)
            for start in range(0, len(data), size):
                pipe.write(data[start : start + size])

    sender = threading.Thread(target=send)
    sender.start()
    found: list[Event] = []
    log: list[str] = []
    try:
        wire = Wire(read, lambda _: None)
        columns = check_header(wire, None)
        for event in lines_of(wire, columns, "belt", lambda kind, _: log.append(kind)):
            found.append(event)
        return found, log, None
    except (InputError, GoneError) as error:
        return found, log, error
    finally:
        while os.read(read, 65_536):
            pass
        sender.join()
        os.close(read)


def lines(found: list[Event]) -> tuple[np.ndarray, np.ndarray]:
    blocks = [event for event in found if isinstance(event, Block)]
    return np.concatenate([b.low for b in blocks]), np.concatenate([b.high for b in blocks])


HEADER = protocol.pack_header(COLUMNS)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 400))
def test_lines_come_as_they_were_sent(sizes: list[int], piece: int):
    data, first = HEADER, 0
    for size in sizes:
        size = min(size, 60 - first)
        data += frame(first, size) if size else b""
        first += size
    found, log, error = heard(data + end(first), piece)
    assert error is None
    assert log == ["end"]
    low, high = lines(found)
    np.testing.assert_array_equal(low, LOW[:first])
    np.testing.assert_array_equal(high, HIGH[:first])


def test_the_reference_sender_sends_the_same_bytes():
    sender = runpy.run_path(str(SENDER))
    assert sender["header"](COLUMNS) == HEADER
    assert sender["frame"](3, LOW[3:8], HIGH[3:8]) == frame(3, 5)
    assert sender["frame"](60, LOW[:0], HIGH[:0]) == end()
    packed = [data for _, data in sender["frames"](LOW, HIGH, 16, 1, 0)]
    assert packed == [*(frame(start, 16) for start in (0, 16, 32, 48)), end()]


def test_the_reference_sender_loses_nothing_where_a_pipe_takes_a_part(tmp_path: Path):
    # a process that is stopped and goes on while it waits for room has written a part; unbuffered, that is all
    rng = np.random.default_rng(0)
    layers = rng.integers(0, 60_000, (2, 200, 500)).astype(np.uint16)
    for name, layer in zip(("low", "high"), layers, strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tiff", layer)
    words = [sys.executable, str(SENDER), str(tmp_path / "low.tiff"), str(tmp_path / "high.tiff"), "--lines", "200"]
    read, write = os.pipe()
    with (
        subprocess.Popen(words, stdout=write, env=os.environ | {"PYTHONUNBUFFERED": "1"}) as process,
        os.fdopen(read, "rb") as pipe,
    ):
        os.close(write)
        select.select([pipe], [], [])
        while not _full(pipe.fileno()):
            time.sleep(0.01)
        for number in (signal.SIGSTOP, signal.SIGCONT):
            process.send_signal(number)
            time.sleep(0.05)
        data = pipe.read()
    assert process.returncode == 0
    assert len(data) == 24 + 24 + layers.nbytes + 24


def _full(pipe: int) -> bool:
    held = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, held)
    return held[0] >= 60_000


@pytest.mark.parametrize(
    ("low", "more", "why"),
    [
        ("low.tiff", ("--to", "127.0.0.1:1"), "Connection refused"),
        ("low.tiff", ("--to", "7400"), "give HOST:PORT"),
        ("low.tiff", ("--to", "127.0.0.1:99999"), "give HOST:PORT"),
        ("low.tiff", ("--lines", "0"), "give 1 to 4096"),
        ("low.tiff", ("--rate", "nan"), "--rate nan: give 0.01 to 1000000"),
        ("low.tiff", ("--rate", "0"), "--rate 0.0: give 0.01"),
        ("low.tiff", ("--first=-1",), "--first -1: give 0"),
        ("low.tiff", ("--repeat", "0"), "--repeat 0: give 1"),
        ("none.tiff", (), "No such file"),
        ("text.tiff", (), "not a TIFF file"),
    ],
)
def test_the_reference_sender_says_in_one_line_what_is_wrong(tmp_path: Path, low: str, more: tuple[str, ...], why: str):
    for name in ("low", "high"):
        tifffile.imwrite(tmp_path / f"{name}.tiff", np.zeros((4, 7), np.uint16))
    (tmp_path / "text.tiff").write_text("no TIFF")
    words = [sys.executable, str(SENDER), str(tmp_path / low), str(tmp_path / "high.tiff"), *more]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert why in done.stderr


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (b"GET / HTTP/1.1\r\nHost: here", "no sender of lines"),
        (HEADER[:8] + b"\x02" + HEADER[9:], "version 2 of the protocol"),
        (HEADER[:-1] + b"!", "wrong checksum"),
    ],
)
def test_another_speaker_is_refused(header: bytes, why: str):
    found, _, error = heard(header[:24])
    assert found == []
    assert isinstance(error, InputError)
    assert why in str(error)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ((1, 3, 7, b"<u2\0"), "3 layers"),
        ((1, 2, 7, b">u2\0"), "little-endian uint16"),
        ((1, 2, 0, b"<u2\0"), "0 columns"),
        ((1, 2, 16_385, b"<u2\0"), "16385 columns; send 1 to 16384"),
    ],
)
def test_what_cannot_be_sorted_is_refused(fields: tuple[int, int, int, bytes], why: str):
    head = struct.pack("<8sHHI4s", b"ORELINES", *fields)
    _, _, error = heard(head + struct.pack("<I", zlib.crc32(head)))
    assert isinstance(error, InputError)
    assert why in str(error)


@given(st.integers(0, 23 + 24 + 3 * COLUMNS * 4), st.integers(1, 255))
def test_one_wrong_byte_is_seen_wherever_it_is(place: int, change: int):
    data = bytearray(HEADER + frame(0, 3))
    data[place] ^= change
    found, log, error = heard(bytes(data) + frame(3, 5) + end(8))
    if place < 48:  # where a header is wrong nobody knows what follows
        assert isinstance(error, InputError)
        assert found == []
        return
    assert error is None
    assert log == ["checksum", "end"]
    low, high = lines(found)
    assert not low[:3].any()
    assert not high[:3].any()
    np.testing.assert_array_equal(low[3:], LOW[3:8])


@given(st.integers(0, len(HEADER + frame(0, 4)) - 1))
def test_a_sender_that_leaves_anywhere_is_known_to_have_left(size: int):
    found, _, error = heard((HEADER + frame(0, 4))[:size])
    assert isinstance(error, GoneError)
    assert error.clean == (size in (0, 24))  # before its header, or before a frame
    assert error.clean or error.missing > 0
    assert found == []


def test_lines_that_never_came_keep_the_others_in_their_places():
    found, log, error = heard(HEADER + frame(0, 10) + frame(15, 10) + end(30))
    assert error is None
    assert log == ["gap", "gap", "end"]  # the last lines never came either
    low, high = lines(found)
    np.testing.assert_array_equal(low, np.concatenate([LOW[:10], 0 * LOW[10:15], LOW[15:25]]))
    np.testing.assert_array_equal(high, np.concatenate([HIGH[:10], 0 * HIGH[10:15], HIGH[15:25]]))


def test_lines_that_come_twice_are_taken_once():
    found, log, error = heard(HEADER + frame(0, 10) + frame(0, 10) + frame(5, 12) + end(17))
    assert error is None
    assert log == ["double", "double", "end"]
    np.testing.assert_array_equal(lines(found)[0], LOW[:17])


@pytest.mark.parametrize("first", [MOST_MISSING + 11, 10**9])
def test_after_a_long_gap_the_belt_is_another(first: int):
    later = protocol.pack_frame(first, LOW[20:30], HIGH[20:30])
    found, log, _ = heard(HEADER + frame(0, 10) + later)
    assert log == ["gap"]
    assert [type(event) for event in found] == [Piece, Block, Gap, Piece, Block]
    assert [event.first for event in found if isinstance(event, Piece)] == [0, first]
    np.testing.assert_array_equal(lines(found)[0], np.concatenate([LOW[:10], LOW[20:30]]))
