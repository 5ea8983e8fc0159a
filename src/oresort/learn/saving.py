"""Checkpoints as Lightning writes and reads them, whole or not at all, and wherever their run has been moved."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric.plugins import TorchCheckpointIO
from numpy.typing import NDArray
from torch import Tensor

from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.models.weights import load_safely

TRAINED_ON = "trained_on"
"""Key of a checkpoint: `OreModule.trained_on`, int64."""

_NEEDED = ("state_dict", "epoch", "global_step", "optimizer_states", "lr_schedulers", "loops", "callbacks")
_FOLDER = "folder"  # key of a checkpoint: where it was written
_MEND = "remove it, and the same command starts the run again"


class WholeCheckpoints(TorchCheckpointIO):
    """Writes beside the target on its own file system, then replaces; the one before is there until then."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write a checkpoint; OSError if the disk is full or not writable, and the one before is kept."""
        buffer = io.BytesIO()  # torch hides what the disk says behind an error of its own
        torch.save({**checkpoint, _FOLDER: _folder(path)}, buffer)
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True) -> dict[str, Any]:
        """Read a checkpoint to go on from; InputError for a damaged one or one of another kind."""
        content = load_safely(Path(path), "damaged", _MEND, map_location)
        if not isinstance(content, dict) or any(key not in content for key in _NEEDED):
            raise InputError(f"{path}: no checkpoint of a training; {_MEND}")
        then, now = content.pop(_FOLDER, None), _folder(path)
        if then is not None and isinstance(content["callbacks"], dict):
            moved(content, str(then), now)
        return content


def check_weights(weights: object, module: torch.nn.Module, path: Path) -> None:
    """Refuse weights to go on from that are not those of `module`, or not finite; `path` is their checkpoint.

    Raises:
        InputError: they are of another model, or damaged.
    """
    own = module.state_dict()
    if not isinstance(weights, dict) or weights.keys() != own.keys():
        raise InputError(f"{path}: of another model; {_MEND}")
    for name, value in weights.items():
        if not isinstance(value, torch.Tensor) or value.shape != own[name].shape:
            raise InputError(f"{path}: of another model ({name}); {_MEND}")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(f"{path}: damaged, {name} holds values that are not finite; {_MEND}")


def _folder(path: Any) -> str:
    """Return the folder of a checkpoint as Lightning calls it: whole, and without links."""
    return str(Path(path).resolve().parent)


def moved(content: dict[str, Any], then: str, now: str) -> None:
    """Let what each ModelCheckpoint of a checkpoint knows of its files in folder `then` be of the folder `now`.

    Else Lightning would forget the best score of a run that was moved, and replace a better model by a worse one.
    """
    for state in content["callbacks"].values():
        # a callback of the user's may keep its files elsewhere, where they still are
        if isinstance(state, dict) and state.get("dirpath") == then:
            _move(state, then, now)


def _move(state: dict[str, Any], then: str, now: str) -> None:

    def here(path: Any) -> Any:
        text = str(path)
        return now + text.removeprefix(then) if text.startswith(then) else path

    for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
        state[key] = here(state.get(key, ""))
    state["best_k_models"] = {here(path): score for path, score in (state.get("best_k_models") or {}).items()}
    state["dirpath"] = now


def images_of(file: Path, content: Mapping[str, Any]) -> NDArray[np.uint64]:
    """Return hashes of the images that a checkpoint was trained on; none where it does not say."""
    found = content.get(TRAINED_ON, torch.zeros(0, dtype=torch.int64))
    if not isinstance(found, Tensor) or found.dtype != torch.int64 or found.ndim != 1:
        raise InputError(f"{file}: {TRAINED_ON} is no list of hashes; train it again")
    return found.numpy().view(np.uint64)
