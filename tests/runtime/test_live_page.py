"""The live page's server: what it answers, whom it refuses, and that nobody keeps the sorter waiting."""

import base64
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from belt_told import WIDTH, belt, blocks, decision

from oresort.errors import InputError
from oresort.runtime.observer import Rates
from oresort.runtime.page import server
from oresort.runtime.page.live import STEP, Live
from oresort.runtime.page.page import Page
from oresort.scan.fault import Fault

RATES = Rates(3_200, 40, 30, 3_700.0, 45.5, 8.25, float("nan"), 64, 2)


@pytest.fixture
def live() -> Live:
    return Live("scan_1")


@pytest.fixture
def page(live: Live) -> Iterator[Page]:
    made = Page(live, "127.0.0.1", 0)
    yield made
    made.close()


def port(page: Page) -> int:
    return int(page.address.rstrip("/").rpartition(":")[2])


def ask(page: Page, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port(page), timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    return answer, answer.read()


class Events:
    """A client that reads events."""

    def __init__(self, page: Page) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port(page), timeout=10)
        self._connection.request("GET", "/events")
        self.answer = self._connection.getresponse()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while line := self.answer.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    def close(self) -> None:
        self.answer.close()
        self._connection.close()


def test_the_page_is_one_file_that_asks_for_nothing_else(page: Page):
    answer, body = ask(page, "/")
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "text/html; charset=utf-8"
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Server") == "oresort"
    policy = str(answer.getheader("Content-Security-Policy"))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    text = body.decode()
    assert not re.search(r"https?://|<(script|link|img|iframe)[^>]+(src|href)=\"(?!data:)", text)
    # what an inline attribute would do is forbidden too
    assert not re.search(r"\s(style|on\w+)=", text.partition("<script>")[0])


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        *((path, "GET", 404) for path in ("/index.html", "/../etc/passwd", "/?x", "/events/", "/%2e%2e/", "*")),
        *(("/", method, 405) for method in ("POST", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW")),
        ("/events", "POST", 405),
    ],
)
def test_nothing_but_its_two_paths_is_served(page: Page, path: str, method: str, status: int):
    answer, body = ask(page, path, method)
    assert answer.status == status
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("Content-Security-Policy")
    assert b"etc" not in body
    assert len(body) < 100


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9000", "LOCALHOST", "[::1]:8080", "192.168.0.7:1"])
def test_hosts_that_nobody_else_can_name(page: Page, host: str):
    assert ask(page, "/", Host=host)[0].status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost@evil", "[::1"]
)
@pytest.mark.parametrize("path", ["/", "/events"])
def test_a_name_that_was_bent_to_this_machine_is_refused(page: Page, host: str, path: str):
    answer, body = ask(page, path, Host=host)
    assert answer.status == 403
    assert b"evil" not in body


def test_another_site_is_refused(page: Page):
    assert ask(page, "/events", Sec_Fetch_Site="cross-site")[0].status == 403
    assert ask(page, "/", Sec_Fetch_Site="none")[0].status == 200


def raw(page: Page, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port(page)), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while more := client.recv(65_536):
                found += more
        except ConnectionResetError:
            pass
    return found


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", b""),
        (b"\0\xff garbage\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"403"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"403"),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", b"505"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\nGET /events HTTP/1.1\r\n\r\n", b"200"),
        (b"<script>alert(1)</script> / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
    ],
)
def test_hostile_requests_get_one_short_answer_or_none(page: Page, data: bytes, said: bytes):
    found = raw(page, data)
    head, _, body = found.partition(b"\r\n\r\n")
    assert head[:12].endswith(said)
    assert found.count(b"HTTP/1.1") <= 1  # what stands behind a request is not a second one
    assert b"alert" not in head + (b"" if b"200" in head else body)
    assert ask(page, "/")[0].status == 200


def test_events_tell_of_lines_decisions_and_state(live: Live, page: Page):
    events = Events(page)
    assert events.answer.getheader("Content-Type") == "text/event-stream"
    assert events.answer.getheader("Cache-Control") == "no-store"
    stream = iter(events)
    low = np.full((40, WIDTH), 52_224, np.uint16)
    low[8:16, 800:1_600] = 25_600
    live.lines(low[:5])
    live.lines(low[5:])
    live.decided(
        [decision(800, 8, 800, 8, "waste", 0.25, touching=True), decision(1, 2, 3, 4, "ore", float("nan"))], 40
    )
    live.faults([Fault("low", "dead", None, slice(3, 4), True), Fault("both", "lost", slice(4, 9), None, False)])
    live.alarms(["air of the low layer 1 against 2 in training"])
    live.rates(RATES)
    found = [next(stream)]
    while not found[-1]["rates"] or not any(news["strips"] for news in found):
        found.append(next(stream))
    news = found[-1]
    assert news["name"] == "scan_1"
    assert news["line"] == 40
    strips = [strip for one in found for strip in one["strips"]]
    grey = np.concatenate(
        [np.frombuffer(base64.b64decode(s["data"]), np.uint8).reshape(-1, s["width"]) for s in strips]
    )
    assert strips[0]["line"] == 0
    assert grey.shape == (40 // STEP, WIDTH // STEP)
    assert grey[0, 0] == grey[1, 99] == 52_224 >> 8
    assert (grey[1, 100:200] == 25_600 >> 8).all()
    boxes = [box for one in found for box in one["boxes"]]
    assert boxes == [
        [800, 8, 800, 8, "waste", 0.25, "threshold", "touching"],
        [1, 2, 3, 4, "ore", None, "threshold", ""],
    ]
    assert news["faults"] == ["both layers, lines 4-8: lost, not mended"]
    assert (news["bad"], news["mended"]) == (1, 1)
    assert news["alarms"] == ["air of the low layer 1 against 2 in training"]
    assert news["rates"]["kept"] == 30
    assert news["rates"]["latency_p99"] is None  # JSON has no NaN
    assert not news["finished"]
    events.close()


def test_the_end_is_told_to_all_and_the_server_is_gone(live: Live):
    page = Page(live, "127.0.0.1", 0)
    clients = [Events(page) for _ in range(3)]
    live.finished()
    page.close()
    for client in clients:
        assert list(client)[-1]["finished"]
        client.close()
    with pytest.raises(ConnectionRefusedError):
        ask(page, "/")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("page")]


def test_a_client_that_never_reads_is_let_go_and_keeps_nobody_waiting(live: Live, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server._Handler, "timeout", 0.5)
    page = Page(live, "127.0.0.1", 0)
    deaf = socket.create_connection(("127.0.0.1", port(page)))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    reader = Events(page)
    stream = iter(reader)
    next(stream)
    low, made = belt(2_048, 30)
    slowest, end = 0.0, time.monotonic() + 8
    while page.clients > 1 and time.monotonic() < end:
        for lines, ready, line in blocks(low, made):
            start = time.perf_counter()
            live.lines(lines)
            live.decided(ready, line)
            slowest = max(slowest, time.perf_counter() - start)
        next(stream)
    assert page.clients == 1  # the one who reads
    assert slowest < 0.4
    deaf.close()
    reader.close()
    page.close()


def test_too_many_clients_are_told_so(page: Page):
    clients = [Events(page) for _ in range(8)]
    answer, body = ask(page, "/events")
    assert (answer.status, body) == (503, b"too many clients\n")
    assert ask(page, "/")[0].status == 200
    for client in clients:
        client.close()


def test_connections_without_end_do_not_make_threads_without_end(page: Page):
    before = threading.active_count()
    idle = [socket.create_connection(("127.0.0.1", port(page))) for _ in range(100)]
    time.sleep(0.3)
    assert threading.active_count() - before <= 32
    for connection in idle:
        connection.close()


def test_while_nobody_looks_nothing_is_kept(live: Live):
    low, made = belt(4_096, 40)
    for lines, ready, line in blocks(low, made):
        live.lines(lines)
        live.decided(ready, line)
    news = json.loads(live.message())
    assert news["strips"] == news["boxes"] == []
    assert news["line"] == 4_096


def test_what_waits_is_bounded(live: Live):
    live.watched = True
    low = np.full((32, WIDTH), 50_000, np.uint16)
    for line in range(5_000):
        live.lines(low)
        live.decided([decision(1, line, 2, 2, "ore")], line)
    assert len(live.message()) < 2_000_000
    assert len(live.message()) < 1_000  # and gone once it was told


@pytest.mark.parametrize("sizes", [[1], [3], [8], [13, 1, 40], [64]])
def test_lines_are_the_same_for_every_chunking(sizes: list[int]):
    low = np.arange(300, dtype=np.uint16)[:, None].repeat(64, axis=1) * np.uint16(200)
    live = Live("a")
    live.watched = True
    start = k = 0
    while start < len(low):
        live.lines(low[start : start + sizes[k % len(sizes)]])
        start, k = start + sizes[k % len(sizes)], k + 1
    (strip,) = json.loads(live.message())["strips"]
    assert strip["line"] == 0
    assert list(base64.b64decode(strip["data"])) == [
        k * 200 >> 8 for k in range(0, 300, STEP) for _ in range(64 // STEP)
    ]


def test_no_address_is_not_any_address():
    for host in ("", " ", "[]"):
        with pytest.raises(InputError, match="page_host=: empty; give an address"):
            Page(Live("a"), host, 0)


def test_an_address_that_cannot_be_had_is_one_line(page: Page):
    with pytest.raises(InputError, match=rf"page={port(page)}, page_host=127\.0\.0\.1: address already in use; choose"):
        Page(Live("a"), "127.0.0.1", port(page))
    for host in ("no.such.host.invalid", "256.1.1.1", "a" * 300, "\0"):
        with pytest.raises(InputError, match=r"page_host=.*; choose another"):
            Page(Live("a"), host, 0)
