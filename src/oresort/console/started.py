"""What a start has made before it is known to be one: folders, removed again where it fails on bad input."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

_SWEPT = "multirun.yaml"  # Hydra's own
_made: list[tuple[Path, list[Path], bool]] = []  # a folder, the ones above that were made with it, whether of a sweep


class Start(Callback):
    """Makes the folder of a run or a sweep in Hydra's place, so that it is known whose it is."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Make the folder of a run, if it is not there."""
        _make(config, "hydra.run.dir", sweep=False)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Make the folder of a sweep, if it is not there."""
        _make(config, "hydra.sweep.dir", sweep=True)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Remove the folder of a sweep whose jobs leave what they make elsewhere."""
        for folder, above, sweep in _made:
            if sweep and all(found.is_dir() or found.name == _SWEPT for found in folder.rglob("*")):
                _remove(folder, above)


def clear() -> None:
    """Forget what earlier starts in this process made, and what this one has made: it shall stay."""
    _made.clear()


def undo() -> None:
    """Remove the folder that this start made; of a sweep only if no job has left its record in it."""
    for folder, above, sweep in _made:
        if not sweep or not {file.name for file in folder.glob("*")} - {_SWEPT}:
            _remove(folder, above)
    _made.clear()


def _remove(folder: Path, above: list[Path]) -> None:
    with suppress(OSError), _held(folder):  # else another process has begun a run in it meanwhile
        shutil.rmtree(folder)
    for parent in above:
        with suppress(OSError):  # another run has begun in it
            parent.rmdir()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _make(config: DictConfig, key: str, *, sweep: bool) -> None:
    HydraConfig.instance().set_config(config)  # which the folder's name may ask for
    make(Path(str(OmegaConf.select(config, key))), sweep=sweep)


def make(folder: Path, *, sweep: bool = False) -> None:
    """Make a folder, and note that this start has made it, if it is not there."""
    folder = folder.absolute()
    above = [parent for parent in folder.parents if not parent.exists()]
    with suppress(OSError):  # there already, or no folder can be made: whoever writes to it says so
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        _made.append((folder, above, sweep))
