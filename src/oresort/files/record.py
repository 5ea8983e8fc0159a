"""What a run leaves behind: configuration, provenance, epochs, one flat row of results."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from oresort.errors import InputError


def read_yaml(file: Path) -> dict[str, Any]:
    """Return a mapping written by `write_yaml`; an unreadable file is an InputError."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read as configuration; give the folder of a run") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: holds no configuration; give the folder of a run")
    return content


def read_row(file: Path) -> dict[str, Any]:
    """Return a run's flat row, written as `metrics.json`; anything else is an InputError."""
    try:
        row: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        row["status"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not the record of a run; remove it or its folder") from error
    return row


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
