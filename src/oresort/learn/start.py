"""A start from weights that are there: what of a file fits a model is taken, part by part, and told."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oresort.errors import InputError
from oresort.files.reading import check_file, digest_of
from oresort.learn.config import RatesConfig, TrainConfig
from oresort.learn.published import loaded, network_of, take_network
from oresort.learn.saving import images_of
from oresort.make import make
from oresort.models.pairnet import PairNet
from oresort.models.towers.published import TimmTower
from oresort.models.weights import MOST_BYTES
from oresort.represent.representation import Representation

STARTED = "start.json"
"""Of a run that started from weights: `file`, `hash`, and what of it was `taken` and `left`."""

PARTS = tuple(field.name for field in fields(RatesConfig))
"""Of a model, in the order in which a pair passes through them."""

_SPECS = dict(zip(PARTS, ("tower", "fusion", "head"), strict=True))  # keys of a model's spec
_PREFIX = "objective.net."  # of the model's weights in a checkpoint
_GIVE = "give a run of oresort.train or oresort.pretrain, or the best.ckpt in it"


C = TypeVar("C", bound=TrainConfig)


class Taken(NamedTuple):
    """What a model has taken from a file of weights."""

    taken: dict[str, dict[str, list[int]]]  # shapes of the tensors, by part and name
    left: dict[str, str]  # why, by part
    notes: list[str]  # settings of a part that was taken which are others here
    trained_on: NDArray[np.uint64]  # hashes of the images that the weights were trained on, as far as they are known

    def lines(self, file: str) -> list[str]:
        """Return one line or two that say so."""
        counts = [
            f"{part} ({len(shapes)} tensors, {sum(int(torch.Size(s).numel()) for s in shapes.values()):,} numbers)"
            for part, shapes in self.taken.items()
        ]
        left = [f"{part} anew ({why})" for part, why in self.left.items()]
        told = [f"weights={file}: taken {', '.join(counts)}"]
        return told + ([f"weights={file}: {'; '.join([*left, *self.notes])}"] if left or self.notes else [])


def check_start(cfg: TrainConfig) -> None:
    """Refuse keys that only a start from weights has, where there is none, and parts that no model has."""
    for part in cfg.freeze:
        if part not in PARTS:
            raise InputError(f"freeze={part}: no such part of a model; known are {', '.join(PARTS)}")
    if cfg.weights is None and cfg.freeze:
        raise InputError(f"freeze={cfg.freeze[0]}: would stay as it was drawn; give weights=FILE, or leave it out")
    if cfg.weights is None and cfg.weights_hash is not None:
        raise InputError(f"weights_hash={cfg.weights_hash}: of no file; give weights=FILE as well")


def pinned(cfg: C) -> C:
    """Return the configuration with the hash of its weights, which are part of what the run is.

    A hash that is there already stays: it is the user's, or of the run that goes on, which needs no weights again.

    Raises:
        InputError: a file that is not there, or cannot be one of weights.
    """
    if cfg.weights is None or cfg.weights_hash is not None:
        return cfg
    return replace(cfg, weights_hash=_digest(_file(cfg.weights)))


def start_from(cfg: TrainConfig, net: PairNet, representation: Representation) -> Taken:
    """Copy into `net` what fits of the weights that `cfg` names: all of it, or the towers where other parts differ.

    A part is taken whole or not at all: its class, and the names and shapes of its tensors, must be the same, and all
    parts before it must have been taken, since a head means nothing behind another fusion.

    Raises:
        InputError: no such file, another one than the hash says, one that is damaged or holds what is not finite,
            towers that do not fit, a part that is frozen and was not taken, or weights of other planes.
    """
    file = _file(str(cfg.weights))
    if (found := _digest(file)) != cfg.weights_hash:
        raise InputError(f"{file}: its hash is {found}, weights_hash={cfg.weights_hash}; give that file")
    content = loaded(file, _GIVE)
    if (network := network_of(content)) is not None and any(isinstance(tower, TimmTower) for tower in net.towers):
        return _of_network(cfg, net, file, network)
    state, settings, spec, trained_on = _content(file, content)
    _check_planes(file, spec, representation)
    own, here = net.state_dict(), asdict(cfg.model)
    told = Taken({}, {}, [], trained_on)
    chosen: dict[str, Tensor] = {}
    for part in PARTS:
        theirs, ours = ({k: v for k, v in s.items() if k.startswith(f"{part}.")} for s in (state, own))
        old, new = _spec(settings["model"], part), _spec(here, part)
        if told.left:
            why: str | None = f"{next(iter(told.left))} differ"
        elif ours and part != PARTS[0] and "pretext" in settings:
            why = "no label has trained it there"
        else:
            why = _misfit(theirs, ours, old, new)
        if why:
            told.left[part] = why
            continue
        chosen |= theirs
        if ours:
            told.taken[part] = {name: list(value.shape) for name, value in theirs.items()}
        told.notes.extend(_changed(_SPECS[part], old, new))
    if PARTS[0] in told.left:
        raise InputError(f"{file}: nothing fits: {told.left[PARTS[0]]}; choose the same model/tower, or other weights")
    if drawn := [part for part in cfg.freeze if part in told.left]:
        raise InputError(f"freeze={drawn[0]}: was not taken from {file} ({told.left[drawn[0]]}); leave it out")
    net.load_state_dict(chosen, strict=False)
    return told


def _file(weights: str) -> Path:
    file = Path(weights)
    return file / "checkpoints" / "best.ckpt" if file.is_dir() else file


def _digest(file: Path) -> str:
    check_file(file, MOST_BYTES, f"as weights={file} {_GIVE}")
    return digest_of(file)


def _of_network(cfg: TrainConfig, net: PairNet, file: Path, network: Mapping[str, Tensor]) -> Taken:
    """Take a network of timm as every tower."""
    drawn = [part for part in cfg.freeze if part != PARTS[0]]
    if drawn:
        raise InputError(f"freeze={drawn[0]}: was not taken from {file}, a network for towers; leave it out")
    shapes = take_network(net, file, network)
    left = dict.fromkeys(PARTS[1:], "a network for towers")
    note = "a network of other pictures: nobody knows whether pairs of these were among them"
    return Taken({PARTS[0]: shapes}, left, [note], np.empty(0, np.uint64))


def _content(
    file: Path, content: Any
) -> tuple[dict[str, Tensor], Mapping[str, Any], Mapping[str, Any], NDArray[np.uint64]]:
    """Return a checkpoint's weights by name, its settings, its representation's spec, and what it was trained on."""
    settings = content.get("hyper_parameters") if isinstance(content, dict) else None
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(settings, dict) or not isinstance(state, dict):
        mend = "the authors' published weights go through oresort.import_weights first"
        raise InputError(f"{file}: a checkpoint of another program; {_GIVE}; {mend}")
    model, representation = settings.get("model"), settings.get("representation")
    if not isinstance(model, Mapping) or not isinstance(representation, Mapping):
        raise InputError(f"{file}: does not say of what model and representation it is; {_GIVE}")
    own = {str(key).removeprefix(_PREFIX): v for key, v in state.items() if str(key).startswith(_PREFIX)}
    for name, value in own.items():
        if not isinstance(value, Tensor):
            raise InputError(f"{file}: {name} is no tensor; {_GIVE}")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise InputError(f"{file}: {name} holds values that are not finite; give other weights")
    return own, settings, representation, images_of(file, content)


def _check_planes(file: Path, spec: Mapping[str, Any], representation: Representation) -> None:
    try:
        theirs = make(spec, Representation)  # type: ignore[type-abstract]
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    if theirs.identity != representation.identity:
        there, here = theirs.identity, representation.identity
        raise InputError(f"{file}: trained on {there}, here it is {here}; choose the same representation=")


def _spec(model: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    spec = model.get(_SPECS[part])
    return spec if isinstance(spec, Mapping) else {}


def _misfit(
    theirs: Mapping[str, Tensor], ours: Mapping[str, Tensor], old: Mapping[str, Any], new: Mapping[str, Any]
) -> str | None:
    """Return why a part's tensors are none of this model's, or None where they are."""
    if (there := old.get("_target_")) != (here := new.get("_target_")):
        return f"{str(there).rpartition('.')[2]} there, {str(here).rpartition('.')[2]} here"
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        there, here = (tuple(s[name].shape) if name in s else "missing" for s in (theirs, ours))
        if there != here:
            return f"{name} is {there} there, {here} here"
    return None


def _changed(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    keys = sorted(key for key in old.keys() & new.keys() if old[key] != new[key])
    return [f"taken though model.{name}.{key} was {old[key]} there and is {new[key]} here" for key in keys]
