"""A trained model, as a checkpoint holds it and the runtime asks it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.learn.grades import Graded, set_cutoff
from oresort.learn.module import OreModule
from oresort.models.heads.head import p_ore
from oresort.models.inputs import Inputs
from oresort.represent.representation import Planes, Representation
from oresort.runtime.asking import Asked
from oresort.runtime.model import Counts
from oresort.sorting.lot import Lot
from oresort.sorting.point import Point


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
