"""Lines from standard input."""

import os
from collections.abc import Iterator

from oresort.errors import InputError
from oresort.runtime.source.event import Event, Gap, Log
from oresort.runtime.source.patience import Patience
from oresort.runtime.source.sender import check_header, lines_of
from oresort.runtime.source.wire import EndedError, GoneError, Wire


class Pipe:
    """One sender, of one belt or of several one after the other, with whose end the lines end.

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
        """Yield what comes, of `columns` if they are known, as pieces `belt_<number>` and on, one a header.

        Raises:
            InputError: garbage, or an end amid a header or a frame; what came before was yielded.
        """
        wire, first = Wire(self._handle, self._patience.hear), number
        while True:
            name, amid = f"belt_{number}", "a header"
            try:
                columns, amid = check_header(wire, columns), "a frame"
                self._log("sender", f"{name} comes from standard input, {columns} columns")
                yield from lines_of(wire, columns, name, self._log)
            except EndedError:
                return
            except GoneError as error:
                if not error.clean:
                    missing = f"amid {amid}, {error.missing:,} bytes before its end"
                    raise InputError(f"lines=-: standard input ends {missing}; send it whole") from None
                if amid == "a frame":
                    self._log("end", f"{name}: standard input ends")
                    yield Gap()
                elif number == first:
                    raise InputError(
                        "lines=-: standard input ends before a header; send as docs/stream.md says"
                    ) from None
                return
            except InputError as error:
                raise InputError(f"lines=-: {error}") from error
            yield Gap()
            number += 1
