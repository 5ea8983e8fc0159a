"""A start of towers from weights that timm published, or another program trained: a file of one network's tensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from oresort.errors import InputError, one_line
from oresort.models.pairnet import PairNet
from oresort.models.towers.published import TimmTower
from oresort.models.weights import load_safely

_WRAPS = ("state_dict", "model")  # keys below which programs keep the tensors


def loaded(file: Path, mend: str) -> Any:
    """Return what a file of weights holds, tensors and plain values alone; InputError for a damaged one."""
    if file.suffix != ".safetensors":
        return load_safely(file, "not a checkpoint that loads safely", mend)
    try:
        return load_file(file)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{file}: damaged ({one_line(error)}); {mend}") from error


def network_of(content: Any) -> dict[str, Tensor] | None:
    """Return the tensors of a network by name, where a file holds them and nothing of a checkpoint of this program."""
    if not isinstance(content, Mapping) or "hyper_parameters" in content:
        return None
    for key in _WRAPS:
        if isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not content or not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()):
        return None
    return dict(content)


def take_network(net: PairNet, file: Path, network: Mapping[str, Tensor]) -> dict[str, list[int]]:
    """Copy a network of timm into every tower of `net`, and return the shapes of what was taken, by name.

    Its classifier is left out, and its first layer brought to the channels of the towers, as timm does it.

    Raises:
        InputError: another network than the towers are, or values that are not finite.
    """
    for name, value in network.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(f"{file}: {name} holds values that are not finite; give other weights")
    for tower in net.towers:
        if not isinstance(tower, TimmTower):
            raise InputError(f"{file}: a network of its own, and these towers are none of timm's; say model/tower=timm")
        try:
            tower.take(network)
        except InputError as error:
            raise InputError(f"{file}: {error}") from error
    return {name: list(value.shape) for name, value in net.state_dict().items() if name.startswith("towers.")}
