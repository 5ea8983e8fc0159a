"""The authors' published weight files, read into our model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from oresort.errors import InputError
from oresort.models.build import build_model
from oresort.models.heads.kan import kan_layers
from oresort.models.pairnet import PairNet
from oresort.models.towers.paper import PaperTower
from oresort.models.weights import load_safely
from oresort.paths import part

_TOWERS = ("model_low.", "model_high.")  # of low + high and of low - high, in spite of their names
_BLOCK = {"project.": "project.", "conv1.": "body.0.", "bn1.": "body.1.", "conv2.": "body.3.", "bn2.": "body.4."}
_MODULES = {
    "conv1.": "stages.0.0.",
    "bn1.": "stages.0.1.",
    **{f"res_block{n}.{theirs}": f"stages.{n}.{ours}" for n in (1, 2) for theirs, ours in _BLOCK.items()},
    "attention.ca.fc1.": "stages.3.channel.0.",
    "attention.ca.fc2.": "stages.3.channel.2.",
    "attention.sa.conv1.": "stages.3.spatial.",
}
_UNUSED = "fc."  # a classifier in each tower that no pair passes through
_HEAD = "classifier.act_fun."
_COEFFICIENTS = ".cheby_coeffs"


def import_released(file: str | Path) -> PairNet:
    """Return the paper's model with the weights of one of the authors' files, ready for inference.

    Its images are those of the `standardized` representation, (B, 1, 40, 40).

    Raises:
        InputError: no such file, one that does not load safely, or weights of another network.
    """
    file = Path(file)
    if not file.is_file():
        raise InputError(f"{file}: no such file; give a weight file of the paper's authors")
    content = load_safely(file, "not a weight file that loads safely", "give a plain state dict")
    if isinstance(content, dict) and "datamodule_hyper_parameters" in content:
        raise InputError(f"{file}: a checkpoint of oresort already; evaluate and sort take it as it is")
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise InputError(f"{file}: not a state dict; give a weight file of the paper's authors")
    try:
        return from_released(content)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def released_spec(widths: Sequence[int], degree: int) -> dict[str, Any]:
    """Return the spec of the published network for hidden widths and a degree of its head, see `build_model`."""
    head = part("model/head", "kan", widths=list(widths), init="paper", norm=False)
    head["basis"]["degree"] = degree
    tower, fusion = part("model/tower", "paper"), part("model/fusion", "hybrid")
    return {"tower": tower, "fusion": fusion, "head": head, "channels": 1, "share": False}


def spec_of(model: PairNet) -> dict[str, Any]:
    """Return the spec of a model that `import_released` returned."""
    layers = kan_layers(model)
    return released_spec([layer.out_features for layer in layers[:-1]], layers[0].basis.columns)


def from_released(state: Mapping[str, Tensor]) -> PairNet:
    """Return the paper's model with the weights of a published state dict, ready for inference.

    Raises:
        InputError: a key that is unknown or missing, or a weight of another shape.
    """
    state = {key.removeprefix("module."): value for key, value in state.items()}
    converted = _head(state)
    for key, value in state.items():
        if not key.startswith(_HEAD):
            converted |= _tower(key, value)
    layers = [value for key, value in converted.items() if key.startswith("heads.")]
    # the first layer's coefficients know the degree, all of them the widths
    degree = len(layers[0]) // PaperTower(1).widths[-1] - 1
    model = build_model(released_spec([layer.shape[1] for layer in layers[:-1]], max(1, degree)))
    expected = model.state_dict()
    for name in expected.keys() | converted.keys():
        # old files lack the counter, which inference does not use
        if name.endswith("num_batches_tracked") and name in expected:
            converted.setdefault(name, torch.tensor(0))
        if name not in converted or name not in expected:
            raise InputError(f"weights of another network: {name} is {'left over' if name in converted else 'missing'}")
        found, wanted = tuple(converted[name].shape), tuple(expected[name].shape)
        if found != wanted:
            raise InputError(f"weights of another network: {name} is {found}, the paper's is {wanted}")
    model.load_state_dict(converted)
    return model.eval()


def _head(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    layers: dict[int, Tensor] = {}
    for key, value in state.items():
        if key.startswith(_HEAD):
            number = key.removeprefix(_HEAD).removesuffix(_COEFFICIENTS)
            if not number.isdecimal() or value.ndim != 3:
                raise InputError(f"weights of another network: {key} of shape {tuple(value.shape)}")
            # (in, out, degree + 1) -> ((degree + 1) * in, out)
            layers[int(number)] = value.permute(2, 0, 1).flatten(0, 1).contiguous()
    if sorted(layers) != list(range(len(layers))) or not layers:
        raise InputError(f"weights of another network: no {_HEAD}0{_COEFFICIENTS}, 1, ... without a gap")
    return {f"heads.0.layers.{n}.coefficients": layers[n] for n in sorted(layers)}


def _tower(key: str, value: Tensor) -> dict[str, Tensor]:
    for number, tower in enumerate(_TOWERS):
        if key.startswith(f"{tower}{_UNUSED}"):
            return {}
        for theirs, ours in _MODULES.items():
            if key.startswith(f"{tower}{theirs}"):
                # the bottleneck of the channel attention is 1x1 convolutions there, linear maps here
                flat = value.flatten(1) if ".ca." in key else value
                return {f"towers.{number}.{ours}{key.removeprefix(f'{tower}{theirs}')}": flat}
    raise InputError(f"weights of another network: unknown key {key}")
