"""What a model is given must be what it was trained on: data of another kind are refused, and so are raw counts."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from oresort.errors import InputError
from oresort.files.dataset import Cutting, otherwise
from oresort.represent.representation import Representation
from oresort.xray.transmission import FULL_SCALE

_MOST = {"attenuation": math.log(FULL_SCALE), "counts": math.inf}  # of an image's values


def check_served(own: Representation, cut: Mapping[str, Any] | None, source: Any, cutoff: float | None) -> None:
    """Refuse data, a DataModule or a loader, that are not prepared by the model's `own` representation.

    `cut` is how its training pairs were cut, `cutoff` that of a model of grades, wt %. What a source does not say is
    not checked; pairs that are known to be cut otherwise are warned of.

    Raises:
        InputError: another representation, or labels by another cut-off.
    """
    source = getattr(source, "dataset", source)
    there = getattr(source, "representation", None)
    if isinstance(there, Representation) and (there.identity, there.mask) != (own.identity, own.mask):
        raise InputError(
            f"representation: the data's is {_said(there)}, and the model was trained on {_said(own)}; "
            "give OreDataModule(root, representation=module.hparams['representation'])"
        )
    settings = getattr(source, "settings", None)
    if settings is not None and cutoff is not None and settings.cutoff != cutoff:
        raise InputError(
            f"data.cutoff={settings.cutoff}: the model calls ore what has {cutoff:g} wt %; give cutoff={cutoff:g}"
        )
    here = getattr(source, "cut", None)
    if cut is not None and here is not None and (words := otherwise(here, Cutting(**cut))):
        warnings.warn(f"{source.root}: cut otherwise than the model's training pairs ({words})", stacklevel=2)


def loaders_of(served: Any) -> list[Any]:
    """Return the loaders that a trainer was given: one, several, or none."""
    return list(served) if isinstance(served, list | tuple) else [served]


def check_images(own: Representation, *images: Tensor) -> None:
    """Refuse images (B, C, S, S) that the representation does not make, such as raw counts.

    Raises:
        InputError: other channels or sizes than the model's, or values beyond those of its representation.
    """
    size = own.geometry.size
    # of an image that is scaled by its own deviation, one pixel may stand out by all of it
    most = float(size) if own.standardise else _MOST[own.unit]
    for image in images:
        shape = tuple(image.shape)
        if len(shape) != 4 or shape[1:] != (own.channels, size, size):
            why = f"images: of shape {shape}, not (B, {own.channels}, {size}, {size})"
        elif image.numel() and not float(image.detach().abs().amax()) <= most:  # NaN is not
            why = f"images: values to {float(image.detach().abs().amax()):g}, and the model's end at {most:.1f}"
        else:
            continue
        raise InputError(
            f"{why}; a module takes what its representation makes, oresort.load(FILE).predict takes counts"
        )


def check_answers(p_ore: Tensor) -> Tensor:
    """Return probabilities (B,) as they are; InputError for what is none."""
    if not bool(torch.isfinite(p_ore).all()):
        raise InputError("p_ore: not finite; train again with a lower optim.lr, or in float32")
    return p_ore


def _said(representation: Representation) -> str:
    mask = ", mask" if representation.mask else ""
    return f"{type(representation).__name__}({representation.geometry!r}{mask})"
