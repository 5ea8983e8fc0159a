"""What a run leaves behind: configuration, provenance, epochs, one flat row of results."""

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from oresort.errors import InputError
from oresort.paths import replacing

_PACKAGES = ("oresort", "torch", "lightning", "torchmetrics", "hydra-core", "albumentations", "timm", "numpy")


def write_json(file: Path, content: Mapping[str, Any]) -> None:
    """Write `content` whole or not at all; NaN becomes null, which JSON knows."""
    clean = {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in content.items()
    }
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(clean, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_yaml(file: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as YAML, whole or not at all, keys in their own order."""
    with replacing(file) as temporary:
        temporary.write_text(yaml.safe_dump(dict(content), sort_keys=False), encoding="utf-8")


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
        content = json.loads(file.read_text(encoding="utf-8"))
        content["status"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not the record of a run; remove it or its folder") from error
    row: dict[str, Any] = content
    return row


def flatten(content: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return nested mappings as one level, keys joined by dots; lists become text."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        name = f"{prefix}.{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, name)
        else:
            flat[name] = json.dumps(value) if isinstance(value, list | tuple) else value
    return flat


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


class EpochLogger(Logger):
    """Keeps `metrics.csv`: one row an epoch, rewritten whole, so that a killed run can go on with it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.rows: dict[int, dict[str, Any]] = {}
        if file.is_file():
            for row in pd.read_csv(file).to_dict("records"):
                self.rows[int(row["epoch"])] = {str(key): value for key, value in row.items()}

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "epochs"

    @property
    def version(self) -> str:
        """Unused: a run has one table."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add the figures of an epoch to its row."""
        if "epoch" not in metrics:
            return
        epoch = int(metrics["epoch"])
        self.rows.setdefault(epoch, {"epoch": epoch}).update(
            {k: v for k, v in metrics.items() if k != "epoch"}
        )
        with replacing(self.file) as temporary:
            pd.DataFrame([self.rows[key] for key in sorted(self.rows)]).to_csv(temporary, index=False)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: `config.yaml` holds them."""
