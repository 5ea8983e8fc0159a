"""What only a plant knows, from one yaml that it fills in."""

import difflib
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from oresort.errors import InputError
from oresort.files.reading import read_mapping

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def read_plant(path: Path, kind: type[T], mend: str) -> T:
    """Return a dataclass of which a yaml holds the fields; `mend` says where its keys are explained.

    Raises:
        InputError: no such file, a key that is unknown, missing, or of a wrong type or range, keys that contradict
            each other.
    """
    content = read_mapping(path, mend)
    content = {key: _number(value) for key, value in content.items()}
    known = [field.name for field in fields(kind)]
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            guess = f"did you mean {near[0]}? " if near else ""
            raise InputError(f"{path}: {key}: no such key; {guess}{mend}")
    needed = [field.name for field in fields(kind) if field.default is MISSING]
    if missing := [key for key in needed if content.get(key) is None]:
        raise InputError(f"{path}: {', '.join(missing)}: missing, only the plant knows; {mend}")
    try:
        return kind(**content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _number(value: object) -> object:
    """Return what `9e3` means, which YAML takes for text without a point and a sign; anything else as it is."""
    return float(value) if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", value) else value
