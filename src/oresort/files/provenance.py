"""Where a result comes from."""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from oresort.paths import version_of

_PACKAGES = (
    *("oresort", "numpy", "opencv-python-headless", "onnxruntime"),
    *("torch", "lightning", "torchmetrics", "hydra-core", "albumentations", "timm"),
)


def provenance() -> dict[str, Any]:
    """Return what is needed to tell where a result comes from: code, packages (None: not here), machine, command."""
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "code": _git(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "packages": {name: version_of(name) for name in _PACKAGES},
    }


def processor() -> str:
    """Return the name of this machine's processor, as far as it is known."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git() -> str | None:
    # of the code's own folder: the run may be started anywhere
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--tags"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
