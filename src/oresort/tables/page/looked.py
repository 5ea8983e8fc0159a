"""What `explain` has found of the same model on the same pairs, for the page of an evaluation."""

import math
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from oresort.errors import InputError
from oresort.files.reading import read_json
from oresort.tables.edges import POINTS, edge_figure
from oresort.tables.look.write import RECORD
from oresort.tables.page.drawing import lines, photograph

SHARES = ("model", "name", "region", "mass", "mass_low", "mass_high", "rank", "rank_low", "rank_high", "area", "pairs")
SENSITIVITY = (
    *("change", "pairs", "dp", "dp_low", "dp_high", "dp_of_ore", "dp_of_waste"),
    *("flipped", "flipped_low", "flipped_high"),
)
FAITHFULNESS = ("name", "way", "pairs", "area", "random", "difference", "difference_low", "difference_high")
CASE = ("id", "scan", "label", "called", "p_ore", "changes", "picture")

LAYER = ("layer", "edges", "hold half of the importance")
FUNCTION = ("layer", "input", "output", "importance")

_TEXT = ("model", "name", "region", "change", "way", "id", "scan", "label", "called", "picture")
_NUMBER = int | float | None
_AGAIN = "explain the model again"
_PICTURE = re.compile(r"pairs/\d{5}\.png")
_CHARTS = ("shares", "curves", "sensitivity")
_MOST = 8  # pairs of each gallery on the page


def read_look(folder: Path, model: Mapping[str, Any], split: str) -> dict[str, Any]:
    """Return `shares, faithfulness, sensitivity, galleries, edges, notes, looked_at` of a folder that `explain` wrote.

    Raises:
        InputError: no such record, one that is damaged, or one of another model, dataset or split.
    """
    file = folder / RECORD
    record = read_json(file, _AGAIN)
    if not isinstance(record, dict):
        raise InputError(f"{file}: not the record of a look; {_AGAIN}")
    wanted = {"sha256": model["sha256"], "data": model["pairs"], "split": split}
    for key, value in wanted.items():
        if record.get(key) != value:
            raise InputError(f"{file}: {key} {record.get(key)!r}, here it is {value!r}; {_AGAIN}, on these pairs")
    galleries = record.get("galleries")
    if not isinstance(galleries, dict):
        raise InputError(f"{file}: no galleries; {_AGAIN}")
    found = {name: [{"grade": None, **row} for row in _rows(file, galleries, name, CASE)] for name in galleries}
    for row in (row for rows in found.values() for row in rows):
        if not _PICTURE.fullmatch(row["picture"]):  # it may name any file of the machine
            raise InputError(f"{file}: picture {row['picture']!r} is none of its own; {_AGAIN}")
    return {
        "folder": str(folder),
        "looked_at": record.get("looked_at"),
        "notes": [str(note) for note in record.get("notes") or []],
        "shares": _rows(file, record, "shares", SHARES),
        "faithfulness": _rows(file, record, "faithfulness", FAITHFULNESS) if "faithfulness" in record else [],
        "sensitivity": _rows(file, record, "sensitivity", SENSITIVITY),
        "galleries": {name: rows[:_MOST] for name, rows in found.items()},
        "edges": _edges(file, record),
    }


def _edges(file: Path, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `layers` and `functions` of a KAN head, see `write_edges`; None for another head."""
    if (edges := record.get("edges")) is None:
        return None
    if not isinstance(edges, dict):
        raise InputError(f"{file}: edges: not what explain writes; {_AGAIN}")
    functions = _rows(file, edges, "functions", FUNCTION)
    if not functions or not all(_drawable(row) for row in functions):
        raise InputError(f"{file}: functions: not {POINTS} finite numbers each; {_AGAIN}")
    return {"layers": _rows(file, edges, "layers", LAYER), "functions": functions}


def _drawable(row: Mapping[str, Any]) -> bool:
    y = row.get("y")
    if not isinstance(y, list) or len(y) != POINTS or any(row[key] is None for key in FUNCTION):
        return False
    return all(isinstance(value, int | float) and math.isfinite(value) for value in y)


def look_pictures(look: Mapping[str, Any]) -> dict[str, Any]:
    """Return the charts of a look by name, and its pairs' pictures by their file, as data URIs."""
    folder = Path(look["folder"])
    charts = {name: photograph(folder / f"{name}.png") for name in _CHARTS if (folder / f"{name}.png").is_file()}
    cases = {row["picture"] for rows in look["galleries"].values() for row in rows}
    if look["edges"]:
        charts["edges"] = lines(partial(edge_figure, look["edges"]["functions"]))
    return charts | {name: photograph(folder / name, 1_000) for name in sorted(cases)}


def _rows(file: Path, record: Mapping[str, Any], key: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    rows = record.get(key)
    if not isinstance(rows, list) or not all(_is_row(row, columns) for row in rows):
        raise InputError(f"{file}: {key}: not the rows that explain writes; {_AGAIN}")
    return rows


def _is_row(row: object, columns: tuple[str, ...]) -> bool:
    if not isinstance(row, dict) or not row.keys() >= set(columns):
        return False
    return all(isinstance(row[key], str if key in _TEXT else dict if key == "changes" else _NUMBER) for key in columns)
