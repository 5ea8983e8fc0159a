"""The maps of a batch of pairs: of every tower, and of every tower and energy."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.models import attribution
from oresort.models.inputs import Inputs
from oresort.models.pairnet import PairNet
from oresort.represent.representation import Planes, Representation

GRAD_CAM, GRADIENTS = "Grad-CAM", "integrated gradients"


class Kind(NamedTuple):
    """One kind of map; `tower` counts from 0, None is all of them together; `energy` None is both."""

    method: str
    tower: int | None = None
    energy: str | None = None

    @property
    def key(self) -> str:
        """A short name for files and tables, such as `grad_cam_1` or `gradients_1_low`."""
        method = "grad_cam" if self.method == GRAD_CAM else "gradients"
        return "_".join([method, *([] if self.tower is None else [str(self.tower + 1)]), *filter(None, [self.energy])])

    @property
    def name(self) -> str:
        """The same in words, towers counted from 1."""
        tower = "" if self.tower is None else f", tower {self.tower + 1}"
        return f"{self.method}{tower}" + (f", {self.energy} energy" if self.energy else "")


class Maps(NamedTuple):
    """Maps of B pairs by kind, (B, H', W') float32 each, above 0 where a pixel speaks for ore."""

    by_kind: dict[Kind, NDArray[np.float32]]
    margin: NDArray[np.float32]  # (B,): the logit of ore less that of waste
    explained: NDArray[np.float32]  # (B,): what integrated gradients must add up to: the margin's change from bare belt
    missing: NDArray[np.float32]  # (B,): how far they are from it


def has_grad_cam(net: PairNet, representation: Representation) -> bool:
    """Tell whether the model's towers make maps at all."""
    device = next(net.parameters()).device
    blank = torch.zeros(1, representation.channels, representation.size, representation.size, device=device)
    return attribution.has_maps(net, blank, blank)


def maps_of(net: PairNet, representation: Representation, planes: Planes, steps: int) -> Maps:
    """Return all maps of pairs, planes (B, 4, S, S), on the device where the model is; `steps` of the integral.

    Raises:
        InputError: gradients that are not finite.
    """
    device = next(net.parameters()).device
    given, inputs = torch.from_numpy(planes).to(device), Inputs(representation)
    images, empty = inputs(given), inputs.empty(given)
    found: dict[Kind, NDArray[np.float32]] = {}
    if attribution.has_maps(net, *images):
        cams = attribution.grad_cam(net, *images)
        found |= {Kind(GRAD_CAM, tower): _plain(cam) for tower, cam in enumerate(cams)}
    parts, missing = attribution.integrated_gradients(net, images, empty, steps)  # (B, T, E, S, S)
    seen = attribution.looked_at(net, *images)
    for tower, energies in enumerate(seen):
        for place, energy in enumerate(net.fusion.energies):
            if energy in energies:
                found[Kind(GRADIENTS, tower, energy)] = _plain(parts[:, tower, place])
    if len(seen) > 1:
        for place, energy in enumerate(net.fusion.energies):
            found[Kind(GRADIENTS, None, energy)] = _plain(parts[:, :, place].sum(1))
    if parts.shape[1] * parts.shape[2] > 1:
        found[Kind(GRADIENTS)] = _plain(parts.sum((1, 2)))
    with torch.inference_mode():
        margins = [attribution.margin(net(*pair)) for pair in (images, empty)]
    if not bool(torch.isfinite(torch.stack(margins)).all()):
        raise InputError("the model's answers are not finite, so there is nothing to explain; train it again")
    return Maps(found, _plain(margins[0]), _plain(margins[0] - margins[1]), _plain(missing))


def together(kinds: list[Kind]) -> list[Kind]:
    """Return the kinds that explain the whole answer: a Grad-CAM of every tower, and all gradients together."""
    gradients = [kind for kind in kinds if kind.method == GRADIENTS]
    whole = Kind(GRADIENTS)
    return [kind for kind in kinds if kind.method == GRAD_CAM] + ([whole] if whole in gradients else gradients[:1])


def _plain(values: torch.Tensor) -> NDArray[np.float32]:
    return np.asarray(values.detach().float().cpu().numpy(), np.float32)
