"""The thread that writes: rows as they are decided, on the disk within a second, and the record after its rows."""

import csv
import io
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oresort.files.growing import Growing
from oresort.files.write import write_json
from oresort.runtime.stream.waiting import ClosedError, Waiting
from oresort.sorting.table import COLUMNS, Placed, cells

_SECOND = 1.0  # between two times that rows are made to be on the disk
_MOST = 100_000  # rows that wait for a disk that is slow

HEADING = ",".join(COLUMNS)


class Writer:
    """Adds rows to `decisions.csv` and replaces `decisions.json` beside it, without keeping the sorter waiting.

    Ids go on after the last row of the table. What fails on the disk is raised by the next call.

    Args:
        table: `decisions.csv`, open.
        record: `decisions.json`.
        pixel: mm of belt in a pixel, where known.
        beside: tables that others add to, which are to be on the disk as soon.
    """

    def __init__(self, table: Growing, record: Path, pixel: float | None, beside: Sequence[Growing] = ()) -> None:
        self._table, self._record, self.pixel = table, record, pixel
        self._tables = (table, *beside)
        self.rows = table.rows  # that were given, those included that wait
        self._items = Waiting[Sequence[Placed] | Mapping[str, Any]](_MOST)
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def add(self, rows: Sequence[Placed]) -> None:
        """Have rows written."""
        if rows:
            self.rows += len(rows)
            self._put(rows, len(rows))

    def record(self, content: Mapping[str, Any]) -> None:
        """Have the record replaced once all rows before it are on the disk."""
        self._put(content, 0)

    def close(self) -> None:
        """Wait until all is on the disk."""
        try:
            self._put((), 0)
        finally:
            self._thread.join()
        if self._error:
            raise self._error

    def _put(self, item: Sequence[Placed] | Mapping[str, Any], lines: int) -> None:
        try:
            self._items.put(item, lines)
        except ClosedError:
            if self._error is None:
                raise
            raise self._error from None

    def _sync(self) -> None:
        for table in self._tables:
            table.sync()

    def _work(self) -> None:
        number, synced = self._table.rows, time.monotonic()
        try:
            while True:
                item = self._items.take(_SECOND / 4)
                if isinstance(item, Mapping):
                    self._sync()
                    synced = time.monotonic()
                    write_json(self._record, item)
                elif item is not None and not item:
                    self._sync()
                    return
                elif item is not None:
                    text = io.StringIO()
                    csv.writer(text, lineterminator="\n").writerows(
                        cells(number + k, row, self.pixel) for k, row in enumerate(item, start=1)
                    )
                    self._table.add(text.getvalue())
                    number += len(item)
                if time.monotonic() - synced >= _SECOND:
                    self._sync()
                    synced = time.monotonic()
        except ClosedError:
            pass
        except OSError as error:
            self._error = error
        finally:
            self._items.close()
