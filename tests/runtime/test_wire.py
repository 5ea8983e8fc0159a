"""Bytes of a socket: a frame is taken whole where it comes in pieces, and who sends few bytes is heard."""

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from oresort.runtime.source.wire import GoneError, Wire


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sender,
        server.accept()[0] as taker,
    ):
        yield sender, taker


def send(sender: socket.socket, pieces: list[bytes], pause: float) -> threading.Thread:
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def work() -> None:
        for piece in pieces:
            sender.sendall(piece)
            time.sleep(pause)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_frame_that_comes_in_pieces_is_awaited_whole(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
):
    pieces = [bytes([k]) * 5_000 for k in range(20)]
    reads: list[int] = []
    plain = os.readv

    def counted(handle: int, places: list[memoryview]) -> int:
        reads.append(plain(handle, places))
        return reads[-1]

    monkeypatch.setattr(os, "readv", counted)
    place = bytearray(100_000)
    thread = send(ends[0], pieces, 0.002)
    Wire(ends[1], lambda _: None).fill(memoryview(place))
    thread.join()
    assert place == b"".join(pieces)
    assert len(reads) < 10  # one for each piece where each of them wakes the reader


def test_who_sends_few_bytes_is_heard_and_not_taken_for_silent(ends: tuple[socket.socket, socket.socket]):
    silences: list[float] = []
    place = bytearray(1_000)
    thread = send(ends[0], [b"x" * 100] * 10, 0.15)
    Wire(ends[1], silences.append).fill(memoryview(place))
    thread.join()
    assert bytes(place) == b"x" * 1_000
    assert len(silences) >= 5
    assert max(silences) < 0.5  # of 1.4 s in all


def test_what_is_missing_when_the_sender_leaves_is_known_at_once(ends: tuple[socket.socket, socket.socket]):
    ends[0].sendall(b"x" * 300)
    ends[0].close()
    begun = time.perf_counter()
    with pytest.raises(GoneError) as raised:
        Wire(ends[1], lambda _: None).fill(memoryview(bytearray(1_000)))
    assert (raised.value.missing, raised.value.clean) == (700, False)
    assert time.perf_counter() - begun < 5
