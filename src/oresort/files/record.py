"""What a run leaves behind of its configuration."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oresort.files.reading import read_mapping

IMPORTANCES = "importances.csv"
"""In a classical sorter's run folder: how much each of its features matters."""


def read_yaml(file: Path) -> dict[str, Any]:
    """Return a mapping written by `write_yaml`; an unreadable file is an InputError."""
    return read_mapping(file, "give the folder of a run")


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one level, keys joined by dots; lists become text."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping):
            flat |= flatten(value, name)
        else:
            flat[name] = json.dumps(value) if isinstance(value, list | tuple) else value
    return flat
