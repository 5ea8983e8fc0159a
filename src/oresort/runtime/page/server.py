"""The page's server: the standard library's.

No framework serves better: there are two paths, one page in one file, and nothing is ever taken from a client.
"""

import ipaddress
import re
import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Protocol

PATIENCE = 5.0  # seconds for a request, and for a client to take what it is sent
_MOST_CONNECTIONS = 32
_SEND_BUFFER = 2**17  # bytes that the kernel holds for a client


class Answers(Protocol):
    """What a server has to tell."""

    document: bytes  # the page
    policy: str  # what a browser may do with it
    names: set[str]  # of this machine, in lower case

    def enter(self) -> int | None:
        """Count a client in and return how many messages were before it; None where there are too many clients."""

    def leave(self) -> None:
        """Count a client out."""

    def after(self, seen: int) -> tuple[list[bytes], int, bool]:
        """Wait for messages after `seen` of them; return those, how many there were, and whether they go on."""


class Server(ThreadingHTTPServer):
    """A thread for each connection, of which there are not many; `page` is who answers."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], page: Answers) -> None:
        self.page = page
        self._slots = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind; http.server would also ask the network for this machine's name."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, but not to anybody who opens connections without end."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, in that thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that breaks off is no fault of the sorter's."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = PATIENCE
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

    def _welcome(self, page: Answers) -> bool:
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

    def _stream(self, page: Answers, seen: int) -> None:
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
