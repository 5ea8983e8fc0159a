"""A trained model in its checkpoint file: written, and read from that file alone."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import torch

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.write import replacing
from oresort.learn.module import OreModule
from oresort.make import make
from oresort.represent.representation import Representation


class Trained(NamedTuple):
    """What a checkpoint holds."""

    module: OreModule
    representation: Representation
    data: dict[str, Any]
    """Keywords of the `OreDataModule` it was trained with."""

    epoch: int
    cut: Cutting | None
    """How the pairs it was trained on were cut; None if that is not known."""

    @property
    def threshold(self) -> float:
        """The decision threshold chosen on validation data."""
        return float(self.module.threshold)


def save(file: Path, module: OreModule, data: Mapping[str, Any], epoch: int = 0) -> None:
    """Write a checkpoint that was not trained by Lightning, whole or not at all.

    Args:
        file: to write.
        module: the model, whose settings are its `hparams`.
        data: keywords of the `OreDataModule` that makes its pairs.
        epoch: after which the weights were taken.
    """
    content = {
        "state_dict": module.state_dict(),
        "hyper_parameters": dict(module.hparams),
        "datamodule_hyper_parameters": dict(data),
        "epoch": epoch,
        "global_step": 0,
        "pytorch-lightning_version": L.__version__,
    }
    with replacing(file) as temporary:
        torch.save(content, temporary)


def load_trained(file: str | Path) -> Trained:
    """Load a checkpoint of `oresort.train` under safe loading, ready for inference on the CPU.

    Args:
        file: the checkpoint, or a run folder, whose best one is taken.

    Raises:
        InputError: no such file, no checkpoint, a checkpoint of another program, of another model, or of an
            unknown representation.
    """
    file = Path(file)
    if file.is_dir():
        file = file / "checkpoints" / "best.ckpt"
    if not file.is_file():
        raise InputError(f"{file}: no such checkpoint; give the folder of a run, or the best.ckpt in it")
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError, OSError) as error:
        raise InputError(
            f"{file}: not a checkpoint that loads safely; give one that oresort.train wrote"
        ) from error
    keys = ("state_dict", "hyper_parameters", "datamodule_hyper_parameters", "epoch")
    if not isinstance(content, dict) or any(key not in content for key in keys):
        raise InputError(f"{file}: a checkpoint of another program; give one that oresort.train wrote")
    hparams = {**content["hyper_parameters"], "compile": False}
    try:
        module = OreModule(**hparams)
        module.load_state_dict(content["state_dict"])
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except (TypeError, RuntimeError) as error:
        raise InputError(
            f"{file}: a checkpoint of another model than its own settings describe; train it again"
        ) from error
    try:
        representation = make(hparams["representation"], Representation)  # type: ignore[type-abstract]
        cut = None if module.hparams["cut"] is None else Cutting(**module.hparams["cut"])
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    return Trained(
        module.eval(), representation, content["datamodule_hyper_parameters"], int(content["epoch"]), cut
    )
