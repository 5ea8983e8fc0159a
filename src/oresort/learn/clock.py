"""How long a run has trained, and on what: minutes of several machines cannot be compared."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from oresort.console.counted import counted
from oresort.errors import InputError
from oresort.files.provenance import processor
from oresort.learn.turns import beside

SPENT = "spent"
"""Key of a checkpoint: `Clock.spent` until then."""

_UNKNOWN = "unknown"


class Clock:
    """Counts the seconds of all sittings of a run, by what each was trained on; what a kill has lost is not among them.

    Args:
        before: what the checkpoint holds that the run goes on from; None if it does not say.
    """

    def __init__(self, before: Mapping[str, float] | None) -> None:
        self._before = {_UNKNOWN: math.nan} if before is None else dict(before)
        self._on, self._since = "", time.perf_counter()

    def begin(self, device: torch.device, devices: int) -> None:
        """Begin a sitting on so many devices of this kind."""
        self._on, self._since = _named(device, devices), time.perf_counter()

    def spent(self) -> dict[str, float]:
        """Return seconds by device; NaN where they are not known."""
        if not self._on:
            return dict(self._before)
        own = time.perf_counter() - self._since
        return self._before | {self._on: self._before.get(self._on, 0.0) + own}

    def row(self) -> dict[str, float | str]:
        """Return what of it stands in a run's row: `fit_seconds`, but not where they are unknown, and `device`."""
        spent = self.spent()
        seconds = sum(spent.values())
        return {"device": " + ".join(spent)} | ({} if math.isnan(seconds) else {"fit_seconds": seconds})


def spent_in(file: Path, content: Mapping[str, Any]) -> dict[str, float] | None:
    """Return what the content of a checkpoint says of the time until then; None if nothing, InputError if nonsense."""
    spent = content.get(SPENT)
    whole = isinstance(spent, dict) and all(isinstance(s, float) and not s < 0 for s in spent.values())
    if spent is not None and not (whole and all(isinstance(name, str) for name in spent)):
        raise InputError(f"{file}: {SPENT} says no seconds by device; train it again")
    return spent


def _named(device: torch.device, devices: int) -> str:
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = f"{processor()}, {counted(torch.get_num_threads(), 'thread')}"
    name += f" x {devices}" if devices > 1 else ""
    return f"{name}, {count} runs at once" if (count := beside()) > 1 else name
