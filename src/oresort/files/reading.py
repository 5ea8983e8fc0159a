"""The one way to the files that a user names: regular files, of a size that fits into memory, of text that is text."""

import csv
import hashlib
import io
import json
import math
import os
import re
import stat
from collections.abc import Hashable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from oresort.errors import InputError, one_line

if TYPE_CHECKING:
    import pandas as pd  # takes longer to import than all else that sorting needs

MOST_TEXT = 2**25
"""Bytes of a JSON or YAML file that are read, 32 MiB: fifteen times the splits of the paper's dataset."""

MOST_TABLE = 2**29
"""Bytes of a CSV table that are read, 512 MiB: some 2,500,000 pairs."""

_DEEPEST, _MOST_VALUES = 64, 2_000_000  # of what a JSON or YAML file may hold; YAML's aliases can multiply
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # no path, and nothing that could be written again


def present(file: Path) -> bool:
    """Tell whether anything is called so: what is no file, or a link that leads nowhere, is refused when it is read."""
    return os.path.lexists(file)


def check_file(path: Path, most: int, mend: str) -> int:
    """Return a file's size once it is known to be a regular file of `most` bytes or fewer, without opening it.

    Raises:
        InputError: nothing there, a folder, a pipe, a device or a socket, or more bytes; `mend` says what to do.
    """
    try:
        found = path.stat()
    except ValueError:
        raise InputError(f"{str(path)!r}: no path holds such a sign; {mend}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {mend}") from error
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: {'a directory' if stat.S_ISDIR(found.st_mode) else 'not a regular file'}; {mend}")
    if found.st_size > most:
        raise InputError(f"{path}: {found.st_size:,} bytes, of which at most {most:,} would be read; {mend}")
    return found.st_size


def read_bytes(path: Path, most: int, mend: str) -> bytes:
    """Return a file's content; InputError as `check_file`, and where it cannot be read."""
    check_file(path, most, mend)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {mend}") from error


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file that is known to be regular, 64 letters; OSError where it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_json(path: Path, mend: str) -> Any:
    """Return what a JSON file holds: finite numbers, text that can be written again.

    Raises:
        InputError: as `check_file`; no JSON, NaN or infinity in it, or nesting beyond any use.
    """
    data = read_bytes(path, MOST_TEXT, mend)
    try:
        return json_of(data)
    except ValueError as error:
        raise InputError(f"{path}: not JSON as it was written ({error}); {mend}") from error


def json_of(data: bytes) -> Any:
    """Return what JSON holds, as `read_json`; ValueError says in one line why it cannot be used."""
    try:
        text = data.decode("utf-8-sig")
        content = json.loads(text, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
        _check(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(_why(error)) from error
    return content


def read_mapping(path: Path, mend: str) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; InputError as `read_json`, and for anything else or a key twice."""
    data = read_bytes(path, MOST_TEXT, mend)
    try:
        content = yaml.load(data.decode("utf-8-sig"), _Once)  # a safe loader
        _check(content)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError) as error:
        raise InputError(f"{path}: not YAML as it was written ({_why(error)}); {mend}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no keys; {mend}")
    return content


class _Once(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return what a mapping says; ValueError for a key that stands twice."""
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise ValueError(f"{key.value} stands twice, the second time on line {key.start_mark.line + 1}")
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_table(path: Path, needed: Sequence[str], mend: str = "write it again") -> "pd.DataFrame":
    """Return a CSV table, all cells as text as they stand, with the columns `needed` among others.

    Raises:
        InputError: as `check_file`; no UTF-8, a row with fewer or more cells than the heading, a column twice, or one
            that is needed and not there.
    """
    data = read_bytes(path, MOST_TABLE, mend)
    rows: list[list[str]] = []
    header: list[str] = []
    try:
        if b"\0" in data:
            raise ValueError("a NUL in it")
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)
        for row in filter(None, reader):
            if header and len(row) != len(header):
                raise ValueError(f"line {reader.line_num} has {len(row)} cells, the heading {len(header)}")
            (rows.append if header else header.extend)(row)
    except (csv.Error, ValueError) as error:
        raise InputError(f"{path}: not a CSV table ({_why(error)}); {mend}") from error
    if double := [name for name in header if header.count(name) > 1]:
        raise InputError(f"{path}: column {double[0]!r} stands there twice; {mend}")
    if missing := [name for name in needed if name not in header]:
        raise InputError(f"{path}: no column {', '.join(missing)}; needed are {', '.join(needed)}; {mend}")
    import pandas as pd

    return pd.DataFrame(rows, columns=header, dtype=str)


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no finite number")
    return number


def _whole(text: str) -> int:
    if len(text) > 19:  # of 64 bits; nothing here counts further
        raise ValueError(f"{text[:20]}... is too large a number")
    return int(text)


def _check(content: object) -> None:
    """Refuse what no program here writes: nesting, numbers of values and text that only cause harm later."""
    left, level = _MOST_VALUES, [content]
    for _ in range(_DEEPEST):
        left -= len(level)
        if left < 0:
            raise ValueError("too many values")
        for value in level:
            if isinstance(value, str) and _NO_TEXT.search(value):
                raise ValueError(f"{value[:40]!r} is no text")
        level = list(islice((inner for value in level for inner in _inside(value)), left + 1))
        if not level:
            return
    raise ValueError("nested too deeply")


def _inside(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, list | tuple | set) else []


def _why(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else one_line(error)[:200]
