"""What an earlier process of the same command left in `out`, and whether this one may go on with it."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from oresort.errors import InputError
from oresort.files.growing import Growing
from oresort.files.reading import present, read_json
from oresort.runtime.ejecting import Ejecting
from oresort.runtime.model import Model
from oresort.runtime.settings import SortConfig
from oresort.runtime.source.event import Log, Piece
from oresort.runtime.stream.writer import HEADING
from oresort.sorting.point import Point
from oresort.sorting.table import COLUMNS

_SAME = ("crops", "mask", "pixel", "faulty", "clipped", "touching", "unsure", "late", "joined", "scans")
_MEND = "name another folder"


def identity(cfg: SortConfig, model: Model, point: Point, ejecting: Ejecting | None) -> dict[str, Any]:
    """Return what rows of one table have in common, in plain values."""
    source = "scans" if cfg.lines is None else "lines"
    cut = None if model.cut is None else asdict(model.cut)
    same = {key: getattr(cfg, key) for key in _SAME}
    plant = asdict(ejecting.plant) if ejecting else None
    same |= {"threshold": point.threshold, "band": point.band}
    return {"model": model.digest, "cut": cut, "source": source, "ejectors": plant, **same}


@dataclass
class Earlier:
    """Where to go on; as it is here, from the start."""

    going_on: bool = False
    scan: str | None = None  # that was sorted last, of a folder that grows
    rows: int | None = None  # whole rows of the table, of such
    over: list[list[int]] = field(default_factory=list)  # columns of particles that reach beyond that scan
    belt: str = ""  # that came last, of lines
    next_line: int | None = None  # in that sender's count, the first one that may not have been decided on
    belts: int = 0  # that were given a number


def look_back(out: Path, wanted: Mapping[str, Any]) -> Earlier:
    """Return what an earlier process left in a folder.

    Raises:
        InputError: decisions of another command, by another model, or otherwise than is `wanted`; a damaged record.
    """
    record, table = out / "decisions.json", out / "decisions.csv"
    if not present(record):
        if present(table):
            raise InputError(f"{table}: lies there without its decisions.json; {_MEND}")
        return Earlier()
    content = read_json(record, _MEND)
    state = content.get("stream") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not isinstance(state.get("identity"), Mapping):
        raise InputError(f"{out}: holds decisions that are no stream's; {_MEND}")
    for key, word in wanted.items():
        if state["identity"].get(key) != word:
            raise InputError(f"{out}: holds decisions of a stream with another {key}; say the same, or {_MEND}")
    try:
        at = state["state"]
        earlier = Earlier(True, belts=_whole(state["belts"]))
        if "rows" in at:
            over = [[_whole(end) for end in ends] for ends in at["over"]]
            earlier.scan, earlier.rows, earlier.over = at["scan"], _whole(at["rows"]), over
        elif wanted["source"] == "scans":
            earlier.rows = 0  # no scan was finished
        elif "next_line" in at:
            earlier.belt, earlier.next_line = str(at["belt"]), _whole(at["next_line"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{record}: not as it was written ({error}); {_MEND}") from error
    return earlier


def open_table(out: Path, earlier: Earlier, log: Log) -> Growing:
    """Open `decisions.csv`, and say what became of the rows that an earlier process left in it."""
    table = Growing(out / "decisions.csv", HEADING, earlier.rows)
    if not earlier.going_on:
        return table
    log("restart", f"{table.rows:,} decisions of an earlier process are kept")
    if table.torn and earlier.rows is not None:
        log("restart", f"rows after scan {earlier.scan or '(none)'} are dropped: what was half sorted is sorted anew")
    elif table.torn:
        log("restart", f"a torn last row of {table.torn} bytes is dropped")
    if earlier.rows is None and table.rows:
        _read_on(table, earlier)
    return table


def tell_lost(earlier: Earlier, piece: Piece, log: Log) -> None:
    """Say which lines were lost between two processes, once the first piece of belt of the second begins."""
    if earlier.next_line is None:
        return
    if piece.first == earlier.next_line:
        log("restart", f"no line is lost, as the sender counts: it goes on with {piece.first:,}")
    elif piece.first > earlier.next_line:
        log("restart", f"lines {earlier.next_line:,} to {piece.first - 1:,} are lost, as the sender counts")
    else:
        log(
            "restart",
            f"lines from {earlier.next_line:,} of {earlier.belt} on, if any were sent, are lost; the sender counts "
            "anew, so nobody knows how many",
        )


def _read_on(table: Growing, earlier: Earlier) -> None:
    """Learn from the last row what was decided after the record was written."""
    row = dict(zip(COLUMNS, table.last().split(","), strict=False))
    number = re.fullmatch(r"belt_(\d+)", row.get("scan", ""))
    try:
        last, end = int(row["id"]), int(row["y"]) + int(row["h"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{table.path}: its last row is none of a stream's; {_MEND}") from error
    if number is None or last != table.rows:
        raise InputError(f"{table.path}: its last row is not number {table.rows:,} of a stream; {_MEND}")
    earlier.belts = max(earlier.belts, int(number[1]))
    if row["scan"] != earlier.belt:
        known = re.fullmatch(r"belt_(\d+)", earlier.belt)
        if known is None or int(known[1]) < int(number[1]):
            earlier.belt, earlier.next_line = row["scan"], end
    else:
        earlier.next_line = max(earlier.next_line or 0, end)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
