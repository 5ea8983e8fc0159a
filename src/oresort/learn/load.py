"""A trained model by its name, whatever it is: a checkpoint, an exported file, or the one in the package."""

from pathlib import Path
from typing import TYPE_CHECKING

from oresort.console.extras import needing
from oresort.errors import InputError
from oresort.runtime.onnx import BUILTIN, open_model

if TYPE_CHECKING:
    from oresort.learn.trained import Trained
    from oresort.runtime.onnx import OnnxModel


def load(name: str | Path, device: str = "auto", cutoff: float | None = None) -> "Trained | OnnxModel":
    """Open a model for inference: a run's folder, a checkpoint, `*.onnx` of `oresort.export`, or `builtin`.

    An exported one needs no torch and runs on the CPU. `device` is `auto` (a GPU if there is one), or torch's own
    names. With `cutoff` (wt %) a model of grades calls ore what reaches it.

    Raises:
        InputError: as `load_trained`, `OnnxModel` and `set_cutoff`, or a device that is not here.
    """
    if str(name) == BUILTIN or Path(name).suffix.lower() == ".onnx":
        if device not in ("auto", "cpu"):
            raise InputError(f"device={device}: {name} runs on the CPU; use device=cpu or auto, or its checkpoint")
        if cutoff is not None:
            raise InputError(f"cutoff={cutoff:g}: {name} is exported at one; export its checkpoint again with this one")
        return open_model(name)
    with needing(f"{name}: a checkpoint; an exported model (*.onnx) needs no torch"):
        from oresort.learn.checkpoint import load_trained

    return load_trained(name).at_cutoff(cutoff).to(device)
