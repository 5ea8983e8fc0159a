"""A checkpoint that can be explained; what cannot is refused by name."""

from collections.abc import Sequence
from pathlib import Path

from oresort.errors import InputError
from oresort.files.record import IMPORTANCES
from oresort.learn.checkpoint import load_trained
from oresort.learn.look.controls import CONTROLS
from oresort.learn.record import RECORD
from oresort.learn.trained import Trained


def load(ckpt: str, controls: Sequence[str]) -> Trained:
    """Return the model to explain.

    Raises:
        InputError: an unknown control, or what `load_trained` refuses.
    """
    if unknown := [name for name in controls if name not in CONTROLS]:
        raise InputError(f"controls: {unknown[0]!r} is unknown; known are {', '.join(CONTROLS)}")
    return load_trained(ckpt)


def is_classic(ckpt: str) -> bool:
    """Tell whether it is the run folder of a classical sorter, with importances of its features.

    Raises:
        InputError: the run of one that has no features.
    """
    folder = Path(ckpt)
    if not folder.is_dir() or (folder / "checkpoints").exists() or not (folder / RECORD).is_file():
        return False
    if not (folder / IMPORTANCES).is_file():
        raise InputError(f"{ckpt}: a sorter that decides by one number has no features to explain; see its config.yaml")
    return True


def run_of(file: Path) -> Path:
    """Return the run folder of a checkpoint, or the folder it is in."""
    return file.parents[1] if file.parent.name == "checkpoints" else file.parent
