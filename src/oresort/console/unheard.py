"""A reader of what is printed that has left (`| head`, a log that nobody takes) is no failure: the work goes on."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast


class _Stream:
    """A text stream that goes on into nothing once nobody is at its other end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._let_go(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._let_go(error)

    def _let_go(self, error: OSError) -> None:
        """Send what is still to come, and what lies in buffers, to nobody; raise what is another error."""
        handle = self._stream.fileno()
        # a terminal that was closed says EIO, as a broken disk does
        hung_up = error.errno == errno.EIO and stat.S_ISCHR(os.fstat(handle).st_mode)
        if error.errno != errno.EPIPE and not hung_up:
            raise error
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, handle)
        os.close(nobody)


@contextmanager
def going_on_unheard() -> Iterator[None]:
    """Let the block print to stdout and stderr whether anybody still reads it or not; OSError of a disk is raised."""
    before = sys.stdout, sys.stderr
    own = [cast("TextIO", _Stream(stream)) for stream in before]
    sys.stdout, sys.stderr = own
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in own:
            stream.flush()
