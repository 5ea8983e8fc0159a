"""One run: what became of it, and where it comes from."""

import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from oresort.files.record import flatten, read_row
from oresort.files.write import write_json
from oresort.learn.config import TrainConfig

_PACKAGES = ("oresort", "torch", "lightning", "torchmetrics", "hydra-core", "albumentations", "timm", "numpy")


def _git() -> str | None:
    # of the code's own folder: the run may be started anywhere
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--tags"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def provenance() -> dict[str, Any]:
    """Return what is needed to tell where a result comes from: code, packages, machine, command."""
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "code": _git(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "packages": {name: version(name) for name in _PACKAGES},
    }


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
