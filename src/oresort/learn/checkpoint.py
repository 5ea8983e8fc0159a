"""A trained model in its checkpoint file: written, and read from that file alone."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import torch

from oresort.errors import InputError, one_line
from oresort.files.dataset import Cutting
from oresort.files.reading import digest_of
from oresort.files.write import replacing
from oresort.learn.grades import Graded, read_graded
from oresort.learn.module import OreModule
from oresort.learn.saving import images_of
from oresort.learn.trained import Trained
from oresort.make import make
from oresort.models.weights import load_safely
from oresort.represent.representation import Representation
from oresort.sorting.lot import Lot, kept_rows
from oresort.sorting.point import Point
from oresort.sorting.probability import check_threshold
from oresort.sorting.seen import check_seen
from oresort.sorting.temperature import check_temperature

_KNOWN, _POINT, _GRADED = "known", "point", "graded"  # keys of a checkpoint: a `Lot`, a `Point`, a tensor


def save(file: str | Path, module: OreModule, data: Mapping[str, Any], epoch: int = 0) -> None:
    """Write a checkpoint that was not trained by Lightning; `data` are keywords of its `OreDataModule`."""
    content = {
        "state_dict": module.state_dict(),
        "hyper_parameters": dict(module.hparams),
        "datamodule_hyper_parameters": dict(data),
        "seen": module.seen,
        "epoch": epoch,
        "global_step": 0,
        "pytorch-lightning_version": L.__version__,
    }
    with replacing(Path(file)) as temporary:
        torch.save(content, temporary)


def remember(file: Path, known: Lot, chosen: Point, graded: Graded | None = None) -> None:
    """Write into a checkpoint of this program what its model answered on validation, and its operating point.

    Raises:
        InputError: a file that is no such checkpoint.
    """
    content = load_safely(file, "not a checkpoint that loads safely", "train it again")
    threshold = torch.tensor(chosen.threshold)  # float32, as the model compares
    content["state_dict"]["threshold"] = threshold
    if graded is not None:
        content[_GRADED] = torch.from_numpy(graded[kept_rows(len(known))])
    content[_KNOWN], content[_POINT] = known.plain(), replace(chosen, threshold=float(threshold)).plain()
    with replacing(file) as temporary:
        torch.save(content, temporary)


def load_trained(file: str | Path) -> Trained:
    """Load a checkpoint, or a run folder's best one, under safe loading, ready for inference on the CPU.

    Raises:
        InputError: no such file, no checkpoint, a checkpoint of another program, of another model, or of an
            unknown representation.
    """
    file = Path(file)
    file = file / "checkpoints" / "best.ckpt" if file.is_dir() else file
    if str(file) == "builtin" or file.suffix == ".onnx":
        raise InputError(f"{file}: an exported model, without weights to ask; give the checkpoint that it was made of")
    if not file.is_file():
        if str(file).startswith("["):
            raise InputError(f"{file}: several models, whose mean oresort.evaluate alone measures; give one of them")
        raise InputError(f"{file}: no such checkpoint; give the folder of a run, or the best.ckpt in it")
    content = load_safely(file, "not a checkpoint that loads safely", "give one that oresort.train wrote")
    keys = ("state_dict", "hyper_parameters", "datamodule_hyper_parameters", "epoch")
    if not isinstance(content, dict) or any(key not in content for key in keys):
        raise InputError(f"{file}: a checkpoint of another program; give one that oresort.train wrote")
    settings = content["hyper_parameters"]
    if isinstance(settings, dict) and "pretext" in settings:
        raise InputError(f"{file}: of oresort.pretrain, so it has seen no label; train from it by weights={file}")
    try:
        hparams = {**settings, "compile": False}
        module = OreModule(**hparams, seen=content.get("seen"))
        module.load_state_dict(content["state_dict"])
        module.trained_on = images_of(file, content)
        representation = make(hparams["representation"], Representation)  # type: ignore[type-abstract]
        check_seen(module.seen)
        cut = None if module.hparams["cut"] is None else Cutting(**module.hparams["cut"])
        epoch, data = int(content["epoch"]), dict(content["datamodule_hyper_parameters"])
        known = Lot.read(content[_KNOWN]) if _KNOWN in content else None
        graded = None
        if known is not None and module.net.reading is not None:
            graded = read_graded(content.get(_GRADED), len(known))
        chosen = Point.read(content[_POINT]) if _POINT in content else None
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except Exception as error:  # a stranger's file may hold anything where settings are expected
        why = f"holds another model than its own settings describe ({one_line(error)[:200]})"
        raise InputError(f"{file}: {why}; train it again") from error
    for name, value in module.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(f"{file}: {name} holds values that are not finite; train again with a lower optim.lr")
    check_threshold(float(module.threshold), f"{file}: threshold")
    if chosen is not None and chosen.threshold != float(module.threshold):
        raise InputError(f"{file}: point: of another threshold than the model's; train it again")
    check_temperature(float(module.temperature), f"{file}: temperature")
    return Trained(file, digest_of(file), module.eval(), representation, data, epoch, cut, known, chosen, graded)
