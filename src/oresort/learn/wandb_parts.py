"""What the parts of one run of W&B share, wherever their folder lies: the run's id, what was told, and no path."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oresort.errors import InputError, one_line
from oresort.files.write import replacing

STEP = "trainer/global_step"
"""Key of the steps of the optimiser, over which curves are drawn."""

_ID = re.compile(r"[\w.-]{1,64}")
_ids: dict[str, Path] = {}  # folders of this process's runs


def identity(folder: Path, wanted: str | None) -> str:
    """Return the id of the run that tracks into `folder`, `wanted` or drawn; kept there, so that it goes on as one.

    Raises:
        InputError: letters that the service does not take, or the id of another run.
    """
    file = folder / "id.txt"
    if wanted is not None and not _ID.fullmatch(wanted):
        raise InputError(f"logger.wandb.id={wanted}: give up to 64 letters, digits, '-', '_' or '.'")
    if not file.is_file():
        with replacing(file) as temporary:
            temporary.write_text(wanted or uuid.uuid4().hex[:8])
    found = file.read_text().strip()
    if wanted not in (None, found):
        raise InputError(f"logger.wandb.id={wanted}: the run in {folder.parent} is {found}; leave it out")
    if (other := _ids.setdefault(found, folder.resolve())) != folder.resolve():
        raise InputError(f"logger.wandb.id={found}: is the run in {other.parent}; give each run its own, or none")
    return found


@dataclass
class Told:
    """Which figures the earlier parts of a run have, and the step after their last one."""

    step: int = 0
    rows: set[tuple[str, ...]] = field(default_factory=set)  # of `row_key`


def row_key(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what tells a row of figures from others: its step and its names."""
    return str(row.get(STEP)), *sorted(name for name in row if not name.startswith("_"))


def earlier(folder: Path) -> Told:
    """Return what the earlier offline parts in `folder` have told, by the service's own reader.

    Raises:
        InputError: a part that it cannot read.
    """
    told = Told()
    for file in sorted(folder.glob("offline-run-*/run-*.wandb")):
        words = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"{file}: {one_line(Exception(done.stderr))[:200]}; move {file.parent} elsewhere")
        for record in map(json.loads, done.stdout.splitlines()):
            if record["type"] == "history":
                row = record["history"]["item"]
                told.rows.add(row_key(row))
                told.step = max(told.step, int(row["_step"]) + 1)
    return told


def movable(log_artifact: Callable[..., Any], run: Path, artifact: Any, *args: Any, **keywords: Any) -> Any:
    """Log an artifact whose files are named from the run's folder on, so that it may be moved before it is uploaded."""
    for entry in artifact.manifest.entries.values():
        if entry.local_path:
            entry.local_path = os.path.relpath(entry.local_path, run)
    return log_artifact(artifact, *args, **keywords)
