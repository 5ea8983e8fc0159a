"""Signals that ask a process to stop, as an exception: what was begun is put in order on its way out."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from oresort.errors import Interrupted


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Interrupted` where the block is when SIGTERM comes, as Python raises KeyboardInterrupt for SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # once: what puts things in order must come to its end
        raise Interrupted(code=128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, interrupt)  # Lightning turns it off for good


class Asked:
    """Whether a signal asked a long job to come to its end."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.code = 0  # 128 and the signal's number, once it came


@contextmanager
def asked_to_stop() -> Iterator[Asked]:
    """Have the first SIGINT or SIGTERM in the block set what is yielded; a second one raises `Interrupted`."""
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, _: FrameType | None) -> None:
        if asked.stop.is_set():
            raise Interrupted(code=128 + number)
        asked.code = 128 + number
        asked.stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
