"""The page's server: the standard library's, on loopback unless told otherwise, and it never keeps the sorter waiting.

No framework serves better: there are two paths, one page in one file, and nothing is ever taken from a client.
"""

import base64
import hashlib
import ipaddress
import re
import socket
import threading
from collections import deque
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from socketserver import TCPServer
from typing import Any

from oresort.errors import InputError
from oresort.runtime.page.live import Live

_EVERY = 0.1  # seconds between two messages
_KEPT = 50  # messages; a client that is further behind is let go, and its browser begins anew
_PATIENCE = 5.0  # seconds for a request, and for a client to take what it is sent
_MOST_CLIENTS, _MOST_CONNECTIONS = 8, 32
_LAST = 2.0  # seconds in which clients may take the last message
_SEND_BUFFER = 2**17  # bytes that the kernel holds for a client


class Page:
    """Serves what a `Live` tells until it is closed.

    Args:
        live: what is shown.
        host: address to listen on.
        port: 0 takes a free one.

    Raises:
        InputError: the address cannot be had.
    """

    def __init__(self, live: Live, host: str, port: int) -> None:
        self._live, self._news = live, threading.Condition()
        self._messages = deque[bytes](maxlen=_KEPT)
        self._count = 0  # messages made so far
        self._ended = threading.Event()  # no message but the last one is made any more
        self._over = False  # and that one has been made
        self.clients = 0  # who are told at present
        self.document, self.policy = _document()
        self.names = {"localhost", host.lower(), socket.gethostname().lower()}
        try:
            self._server = _Server((host, port), self)
        except (OSError, OverflowError, TypeError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise InputError(f"page={port}, page_host={host}: {why.lower()}; choose another") from error
        self._threads = [
            threading.Thread(target=work, args=words, name=f"page {work.__name__}", daemon=True)
            for work, words in ((self._server.serve_forever, (_EVERY,)), (self._tell, ()))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def address(self) -> str:
        """Where it can be looked at."""
        host, port = self._server.server_address[:2]
        return f"http://{f'[{host!s}]' if ':' in str(host) else host!s}:{port}/"

    def close(self) -> None:
        """Let clients have the last message, for a moment, and end."""
        self._ended.set()
        self._threads[1].join()
        with self._news:
            self._news.wait_for(lambda: self.clients == 0, _LAST)
        self._server.shutdown()
        self._server.server_close()
        self._threads[0].join()

    def enter(self) -> int | None:
        """Count a client in and return how many messages were before it; None where there are too many clients."""
        with self._news:
            if self.clients >= _MOST_CLIENTS or self._ended.is_set():
                return None
            self.clients += 1
            self._live.watched = True
            return self._count

    def leave(self) -> None:
        """Count a client out."""
        with self._news:
            self.clients -= 1
            self._live.watched = self.clients > 0
            self._news.notify_all()

    def after(self, seen: int) -> tuple[list[bytes], int, bool]:
        """Wait for messages after `seen` of them and return those, how many there were, and whether they go on.

        They end for a client that has missed some, as they do for all with the belt. None waits for the next one.
        """
        with self._news:
            self._news.wait_for(lambda: self._count > seen or self._over, _PATIENCE)
            new = self._count - seen
            if new > len(self._messages):
                return [], self._count, False
            return list(self._messages)[len(self._messages) - new :], self._count, not self._over

    def _tell(self) -> None:
        while not self._ended.wait(_EVERY):
            if self._live.watched:
                self._add(self._live.message())
        self._add(self._live.message(), last=True)

    def _add(self, message: bytes, last: bool = False) -> None:
        with self._news:
            self._over = last
            self._messages.append(message)
            self._count += 1
            self._news.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], page: Page) -> None:
        self.page = page
        self._slots = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # not http.server's, which asks the network for this machine's name
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        # a thread each, but not for anybody who opens connections without end
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that breaks off is no fault of the sorter's."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # the name that http.server calls
        page = self.server.page
        if not self._welcome(page):
            self._answer(HTTPStatus.FORBIDDEN, b"not for this name or site\n")
        elif self.path == "/":
            self._answer(HTTPStatus.OK, page.document, "text/html; charset=utf-8")
        elif self.path != "/events":
            self._answer(HTTPStatus.NOT_FOUND, b"no such page\n")
        elif (seen := page.enter()) is not None:
            try:
                self._stream(page, seen)
            finally:
                page.leave()
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"too many clients\n")

    def _welcome(self, page: Page) -> bool:
        """Tell whether a request is for this server by a name that nobody else can point at it, and of no other site.

        A stranger's page may have its own name resolve to this machine (DNS rebinding); addresses cannot be bent so.
        """
        host = self.headers.get_all("Host") or []
        name = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::\d{1,5})?", host[0].strip()) if len(host) == 1 else None
        if name is None or self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return False
        own = name[1].strip("[]").lower()
        if own in page.names:
            return True
        try:
            ipaddress.ip_address(own)
        except ValueError:
            return False
        return True

    def _stream(self, page: Page, seen: int) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._head(HTTPStatus.OK, "text/event-stream")
        self.end_headers()
        going = True
        with suppress(OSError):  # it has gone, or takes nothing
            self.wfile.write(b"retry: 1000\n\n")
            while going:
                messages, seen, going = page.after(seen)
                for message in messages or [b""]:
                    # a comment now and then shows whether it is still there
                    self.wfile.write(b"data: " + message + b"\n\n" if message else b": here\n\n")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self._head(status, kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _head(self, status: HTTPStatus, kind: str) -> None:
        self.close_connection = True  # whatever else a client has sent is not read
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Connection", "close"),
            ("Allow", "GET"),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", self.server.page.policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
        ):
            self.send_header(name, value)

    def version_string(self) -> str:
        """Name the program, and no version that could be known to have a hole."""
        return "oresort"

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no GET, or no HTTP, in one line: http.server's own page repeats what it was sent."""
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self.request_version = self.protocol_version  # it may be unknown
        with suppress(OSError):
            self._answer(status, status.phrase.lower().encode() + b"\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the screen is the sorter's."""


def _document() -> tuple[bytes, str]:
    """Return the page and the policy that lets its own script and style run, and nothing else."""
    text = (files("oresort.runtime.page") / "page.html").read_text(encoding="utf-8")
    hashes = {}
    for tag in ("script", "style"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        hashes[tag] = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
    rules = [
        "default-src 'none'",
        f"script-src 'sha256-{hashes['script']}'",
        f"style-src 'sha256-{hashes['style']}'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return text.encode(), "; ".join(rules)
