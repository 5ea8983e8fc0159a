"""A document as JSON, and the page that is made of that JSON and of nothing else."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oresort.files.write import replacing, write_json
from oresort.tables.page.render import render

JSON, HTML = "report.json", "report.html"


def write_page(
    out: Path,
    template: str,
    document: Mapping[str, Any],
    draw: Callable[[dict[str, Any]], Mapping[str, Any]],
    templates: Path | None = None,
) -> list[Path]:
    """Write `report.json`, and `report.html` of what that says, into `out`; return both files.

    `draw` makes the pictures, data URIs by name, of the document as it was read back. `templates` is a folder of
    further templates.
    """
    files = [out / JSON, out / HTML]
    write_json(files[0], document)
    page = json.loads(files[0].read_text(encoding="utf-8"))
    text = render(template, page, draw(page), templates)
    with replacing(files[1]) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return files


def plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row of a table in plain values; what is missing is None."""
    found = {}
    for key, value in row.items():
        value = value.item() if isinstance(value, np.generic) else value
        found[str(key)] = None if isinstance(value, float) and not math.isfinite(value) else value
    return found
