"""A calibration is used as it was written, or refused in one line that names its file and what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from oresort.errors import InputError
from oresort.scan.calibrate.calibration import load_calibration

FIT = {"scale": 1.007, "column_offset": -4.9, "row_offset": 0.3, "residual": 0.03, "unregistered": 0.2}
LAYER = {"level": 50_000.0, "air": [50_000.0] * 9, "dark": [0.0] * 9, "noise": [0.002] * 9, "faults": {"dark": [3]}}
WHOLE = {
    "version": 2, "made": "2026-01-31", "sorter": None, "pixel": 0.4, "belt": [0, 9], "levels": [50_000.0, 1.0],
    "notes": [], "registration": FIT, "low": LAYER, "high": LAYER,
}  # fmt: skip


def changed(path: str, value: Any) -> str:
    content = json.loads(json.dumps(WHOLE))
    *around, last = path.split(".")
    inner = content
    for key in around:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    inner[int(last) if isinstance(inner, list) else last] = value
    return json.dumps(content)


def test_the_whole_one_is_read(tmp_path: Path):
    (tmp_path / "c.json").write_text(json.dumps(WHOLE))
    found = load_calibration(tmp_path / "c.json")
    assert (found.width, found.pixel, found.levels, found.low.level) == (9, 0.4, (50_000, 1), 50_000)
    assert [str(fault) for fault in found.faults()]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("low.level", float("inf")), ("low.level", 1e300), ("low.level", 0), ("low.level", "x"), ("low.level", True),
        ("high.level", None), ("low.air.4", 0), ("low.air.4", -5), ("low.air.4", 1e300), ("low.air.4", None),
        ("low.air", [0.0] * 9), ("low.air", [50_000.0] * 8), ("low.air", []), ("low.air.4", [1]), ("low.dark.2", -1),
        ("low.dark.2", 60_000), ("high.noise.2", -0.1), ("high.noise.2", float("nan")), ("low.faults", {"dark": [9]}),
        ("low.faults", {"dark": [-1]}), ("low.faults", {"dark": [1.5]}), ("low.faults", {"weird": [1]}),
        ("low.faults", 3),
        ("belt", [0, 10]), ("belt", [5, 5]), ("belt", [0.5, 9]), ("belt", "09"), ("levels", [float("nan"), 1]),
        ("levels", [1e300, 1]), ("levels", []), ("pixel", 0), ("pixel", -1), ("pixel", float("nan")), ("notes", "odd"),
        ("sorter", 3), ("version", 1), ("registration", []), ("registration", {}), ("registration.scale", 0),
        ("registration.scale", -1), ("registration.scale", 50), ("registration.scale", "1"),
        ("registration.column_offset", 100), ("registration.row_offset", 1e9), ("registration.residual", float("inf")),
        ("registration.odd", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path: Path, path: str, value: Any):
    (tmp_path / "c.json").write_text(changed(path, value))
    with pytest.raises(InputError) as caught:
        load_calibration(tmp_path / "c.json")
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'c.json'}: ")
    assert "\n" not in text
    assert len(text) < 400
    assert "calibrate" in text
