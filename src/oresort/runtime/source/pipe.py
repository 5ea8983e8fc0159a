"""Lines from standard input."""

import os
from collections.abc import Iterator

from oresort.errors import InputError
from oresort.runtime.source.event import Event, Gap, Log
from oresort.runtime.source.patience import Patience
from oresort.runtime.source.sender import check_header, lines_of
from oresort.runtime.source.wire import EndedError, GoneError, Wire


class Pipe:
    """One sender, with whose end the lines end.

    Raises:
        InputError: a terminal, which sends no lines.
    """

    def __init__(self, patience: Patience, log: Log, handle: int = 0) -> None:
        self._patience, self._log, self._handle = patience, log, handle
        if os.isatty(handle):
            raise InputError("lines=-: standard input is a terminal; pipe a sender into it (docs/stream.md)")

    def close(self) -> None:
        """Leave standard input open: it is not ours."""

    def events(self, columns: int | None, number: int) -> Iterator[Event]:
        """Yield what comes, of `columns` if they are known, as a piece `belt_<number>`.

        Raises:
            InputError: garbage, or an end amid a header or a frame; what came before was yielded.
        """
        wire, name, begun = Wire(self._handle, self._patience.hear), f"belt_{number}", False
        try:
            columns, begun = check_header(wire, columns), True
            self._log("sender", f"{name} comes from standard input, {columns} columns")
            yield from lines_of(wire, columns, name, self._log)
        except EndedError:
            return
        except GoneError as error:
            if not begun:
                raise InputError("lines=-: standard input ends before a header; send as docs/stream.md says") from None
            if not error.clean:
                missing = f"{error.missing:,} bytes before its end"
                raise InputError(f"lines=-: standard input ends amid a frame, {missing}; send it whole") from None
            self._log("end", f"{name}: standard input ends")
        except InputError as error:
            raise InputError(f"lines=-: {error}") from error
        yield Gap()
