"""What became of a job of a sweep: done before, or failed before it began."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from oresort.learn.config import TrainConfig
from oresort.learn.record import flatten, read_row, write_json


def finished(folder: Path) -> dict[str, Any] | None:
    """Return the row of the finished run in `folder`, or None."""
    file = folder / "metrics.json"
    return row if file.is_file() and (row := read_row(file))["status"] == "finished" else None


def record_failure(cfg: TrainConfig, folder: Path, error: Exception) -> dict[str, Any]:
    """Leave the reason in `metrics.json` of a run that failed before it began; return the row."""
    file = folder / "metrics.json"
    if not file.is_file():
        row = {"status": "failed", "name": cfg.name, "seed": cfg.seed, **flatten(asdict(cfg), "config")}
        write_json(file, row | {"error": " ".join(str(error).split()) or type(error).__name__})
    return read_row(file)
