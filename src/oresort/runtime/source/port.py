"""Lines from senders that connect to a TCP socket, one after the other."""

import socket
import time
from collections.abc import Iterator

from oresort.errors import InputError
from oresort.runtime.source.event import Event, Gap, Log
from oresort.runtime.source.patience import Patience
from oresort.runtime.source.sender import check_header, lines_of
from oresort.runtime.source.wire import EndedError, GoneError, Wire

_LOOPBACK = "127.0.0.1"
_LOOK = 0.2  # seconds between two looks at whether somebody else connects

Peer = tuple[socket.socket, str]


def address_of(words: str) -> tuple[str, int]:
    """Return host and port of `tcp:PORT`, on this machine alone, or `tcp:HOST:PORT`; InputError for anything else."""
    kind, _, rest = words.partition(":")
    host, _, port = rest.rpartition(":")
    if kind != "tcp" or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise InputError(f"lines={words}: unknown; give - for standard input, tcp:PORT, or tcp:HOST:PORT")
    return host.removeprefix("[").removesuffix("]") or _LOOPBACK, int(port)


class Port:
    """A socket at which senders connect; one is heard at a time, and another once that one has left or is silent.

    Raises:
        InputError: the address cannot be had.
    """

    def __init__(self, words: str, patience: Patience, log: Log) -> None:
        host, port = address_of(words)
        self._patience, self._log = patience, log
        self._next: Peer | None = None  # takes the place of one that is silent, or has left
        self._looked = self._begun = self._came = 0.0
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._listener = socket.create_server((host, port), family=family, backlog=8)
        except OSError as error:
            raise InputError(f"lines={words}: cannot be opened ({error.strerror}); choose another address") from error
        self._listener.setblocking(False)
        self._log("listening", f"for senders at {_name(self._listener.getsockname())}")

    def events(self, columns: int | None, number: int) -> Iterator[Event]:
        """Yield what senders send, in pieces `belt_<number>` and on; of `columns`, or of as many as the first has."""
        silent_from = time.perf_counter()
        with self._listener:
            while True:
                try:
                    sender, peer = self._next or self._await(silent_from)
                except EndedError:
                    return
                self._next, self._patience.named, self._begun = None, False, time.perf_counter()
                amid = "its header"
                with sender:
                    try:
                        columns = check_header(Wire(sender, self._greet), columns)
                        self._log("sender", f"belt_{number} comes from {peer}, {columns} columns")
                        number, silent_from, amid = number + 1, time.perf_counter(), "a frame"
                        yield from lines_of(Wire(sender, self._hear), columns, f"belt_{number - 1}", self._log)
                        silent_from = time.perf_counter()
                    except EndedError:
                        return
                    except GoneError as error:
                        half = "" if error.clean else f" amid {amid}, {error.missing:,} bytes before its end"
                        self._log("gone", f"{peer} is gone{half}; waiting for the next sender")
                    except InputError as error:
                        self._log("refused", f"{peer}: {error}")
                gone = time.perf_counter()
                yield Gap()
                silent_from += time.perf_counter() - gone  # while lines were worked on nobody was listened to

    def close(self) -> None:
        """Let nobody wait that is not heard."""
        self._listener.close()
        if self._next:
            self._next[0].close()

    def _await(self, silent_from: float) -> Peer:
        while True:
            self._patience.check(time.perf_counter() - silent_from)
            if found := self._accept():
                return found
            time.sleep(0.02)

    def _accept(self) -> Peer | None:
        try:
            sender, peer = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return None
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a machine that lost power says no goodbye
        return sender, _name(peer)

    def _greet(self, _: float) -> None:
        self._patience.check(0.0)
        silent = time.perf_counter() - self._begun  # of a header that comes byte by byte as well
        if silent > self._patience.stall:
            raise InputError(f"no header within {silent:.1f} s; send as docs/stream.md says")

    def _hear(self, silent: float) -> None:
        self._patience.hear(silent)
        now = time.perf_counter()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        if self._next is None:
            # the present one may have left, and the end of what it sent may lie in the kernel still: let it wait
            self._next, self._came = self._accept(), now
        elif self._patience.named:
            self._log("sender", f"the silent sender makes way for {self._next[1]}")
            raise GoneError(0, clean=True)
        elif now - self._came > self._patience.stall:
            self._next[0].close()
            self._log("refused", f"{self._next[1]}: another sender is at it; connect when that one has gone")
            self._next = None


def _name(address: tuple[str, int]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
