"""A trained model in its checkpoint file: written, and read from that file alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray

from oresort.errors import InputError, one_line
from oresort.files.dataset import Cutting
from oresort.files.reading import digest_of
from oresort.files.write import replacing
from oresort.learn.grades import Graded, read_graded, set_cutoff
from oresort.learn.module import OreModule
from oresort.learn.saving import images_of
from oresort.make import make
from oresort.models.heads.head import p_ore
from oresort.models.inputs import Inputs
from oresort.models.weights import load_safely
from oresort.represent.representation import Planes, Representation
from oresort.runtime.asking import Asked
from oresort.runtime.model import Counts
from oresort.sorting.lot import Lot, kept_rows
from oresort.sorting.point import Point
from oresort.sorting.probability import check_threshold
from oresort.sorting.seen import check_seen
from oresort.sorting.temperature import check_temperature

_KNOWN, _POINT, _GRADED = "known", "point", "graded"  # keys of a checkpoint: a `Lot`, a `Point`, a tensor


def device_named(name: str) -> torch.device:
    """Return the device: `auto` (a GPU if there is one), or torch's own names; a bad one is an InputError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device={name}: not available here; use device=cpu or auto") from error
    return device


@dataclass(frozen=True, eq=False)
class Trained(Asked):
    """What a checkpoint holds; a `Model` for the runtime, which answers on the device where the module is."""

    file: Path
    digest: str  # SHA-256 of the file
    module: OreModule
    representation: Representation
    data: dict[str, Any]  # keywords of the `OreDataModule` it was trained with
    epoch: int
    cut: Cutting | None  # how the pairs it was trained on were cut; None if that is not known
    known: Lot | None = None  # validation pairs as it answered them; None if it knows of none
    chosen: Point | None = None  # how its threshold was chosen; None if that is not known
    graded: Graded | None = None  # of a model of grades: what it told of the known pairs' grades, and what they are

    @property
    def point(self) -> Point:
        """Its threshold, the rule that chose it, and what it promises."""
        return self.chosen or Point(self.threshold, "saved")

    def at(self, point: Point) -> Self:
        """Return it at another operating point; the module is the same, and decides by it from now on."""
        self.module.threshold.fill_(point.threshold)
        return replace(self, chosen=replace(point, threshold=self.threshold))

    @property
    def threshold(self) -> float:
        """The decision threshold chosen on validation data."""
        return float(self.module.threshold)

    @property
    def temperature(self) -> float:
        """What its logits are divided by, chosen on validation data."""
        return float(self.module.temperature)

    @property
    def cutoff(self) -> float | None:
        """From which grade on, wt %, a model of grades calls a particle ore; None of a model of classes."""
        reading = self.module.net.reading
        return None if reading is None else reading.percent

    def at_cutoff(self, cutoff: float | None) -> Self:
        """Return it with another cut-off (wt %), see `set_cutoff`; with None as it is."""
        if cutoff is None:
            return self
        known, point = set_cutoff(self.module, cutoff, self.known, self.graded, self.point, str(self.file))
        return replace(self, known=known).at(point)

    @property
    def seen(self) -> dict[str, Any]:
        """What its training pairs and their scans looked like, see `oresort.learn.seen`; {} if that is not known."""
        return self.module.seen

    def describe(self) -> dict[str, Any]:
        """Return what a record says of it, in plain values."""
        device = str(self.module.device)
        said = {} if self.cutoff is None else {"cutoff": self.cutoff}
        return {"file": str(self.file), "sha256": self.digest, "epoch": self.epoch, "device": device, **said}

    def to(self, device: str | torch.device) -> Self:
        """Return it on a device, `auto` or torch's own names; InputError for one that is not here."""
        self.module.to(device_named(device) if isinstance(device, str) else device)
        return self

    def __call__(
        self, lows: Sequence[Counts], highs: Sequence[Counts], air: float, background: str
    ) -> NDArray[np.float32]:
        """Return the probability of ore (B,) of one batch of particles, at least one, as `predict`."""
        planes = self.representation.batch(lows, highs, air, background)  # (B, 4, S, S)
        return self.answer(planes)

    def answer(self, planes: Planes) -> NDArray[np.float32]:
        """Return the probability of ore (B,) of planes (B, 4, S, S) float32."""
        images = Inputs(self.representation)(torch.from_numpy(planes))  # two of (B, C, S, S)
        with torch.inference_mode():
            logits = self.module(*(image.to(self.module.device) for image in images))
            answers = p_ore(logits, self.module.temperature)
        return np.asarray(answers.cpu().numpy(), np.float32)


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
