"""The page as it is served: messages for all who look, and never a wait for any of them."""

import socket
import threading
from collections import deque

from oresort.errors import InputError
from oresort.runtime.page.document import document
from oresort.runtime.page.live import Live
from oresort.runtime.page.server import PATIENCE, Server

_EVERY = 0.1  # seconds between two messages
_KEPT = 50  # messages; a client that is further behind is let go, and its browser begins anew
_MOST_CLIENTS = 8
_LAST = 2.0  # seconds in which clients may take the last message


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
        if not (host := host.strip().removeprefix("[").removesuffix("]")):  # to a socket that is any address
            raise InputError(f"page={port}, page_host=: empty; give an address, 127.0.0.1 is this machine alone")
        self._live, self._news = live, threading.Condition()
        self._messages = deque[bytes](maxlen=_KEPT)
        self._count = 0  # messages made so far
        self._ended = threading.Event()  # no message but the last one is made any more
        self._over = False  # and that one has been made
        self.clients = 0  # who are told at present
        self.document, self.policy = document()
        self.names = {"localhost", host.lower(), socket.gethostname().lower()}
        try:
            self._server = Server((host, port), self)
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
            self._news.wait_for(lambda: self._count > seen or self._over, PATIENCE)
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
