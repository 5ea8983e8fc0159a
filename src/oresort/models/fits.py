"""Whether the parts of a model fit each other and its images: tried once, before any pair is read."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn

from oresort.errors import InputError
from oresort.models.checks import told
from oresort.models.heads.head import Head
from oresort.models.pairnet import PairNet
from oresort.models.towers.tower import Tower

_TRIED = 2  # pairs


def check_fit(net: PairNet, channels: int, size: int) -> None:
    """Ask a model, as it answers once it is trained, about two pairs of noise (channels, size, size) on a blank border.

    Raises:
        InputError: a tower whose stages make other channels than its `widths` say, a head that makes no logits, parts
            that cannot take each other's output or such images, or answers that are no numbers or depend on what other
            pairs are in a batch. The key is named, and where the part is a user's own the line of its file.
    """
    draws = torch.Generator().manual_seed(0)
    low, high = (torch.rand((_TRIED, channels, size, size), generator=draws) for _ in range(2))
    for image in (low, high):
        image[..., 0, :] = 0.0
    training = net.training
    net.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), ExitStack() as hooks:
            for hook in _watched(net):
                hooks.callback(hook.remove)
            with told(f"model: its parts do not fit each other, or images of {channels} x {size} x {size}"):
                maps = net.maps(low, high)
                for tower, own in zip(net.per_image(), maps, strict=True):
                    _check_shape(f"model.tower: {type(tower).__name__}.pool", tower.pool(own), tower.widths[-1:])
                logits, alone = net.told(maps).logits, net(low[:1], high[:1])
    finally:
        net.train(training)
    if not logits.isfinite().all():
        raise InputError("model: makes no numbers of images from 0 to 1; mend the part that is your own")
    if not torch.allclose(logits[:1], alone, rtol=1e-3, atol=1e-4):
        raise InputError("model: what it says of a pair depends on the other pairs of its batch; mend what mixes them")


def _watched(net: PairNet) -> Iterator[torch.utils.hooks.RemovableHandle]:
    """Look at what each stage and each head makes."""
    for tower in {id(tower): tower for tower in net.per_image()}.values():
        name, count = type(tower).__name__, len(tower.stages)
        if count != len(tower.widths):
            raise InputError(
                f"model.tower: {name} has {count} stages and {len(tower.widths)} widths; give the channels of each"
            )
        for number, stage in enumerate(tower.stages):
            what = f"model.tower: {name}, stage {number + 1} of {count}, widths={list(tower.widths)}"
            yield stage.register_forward_hook(partial(_stage, what, tower, number))
    for head in net.heads:
        yield head.register_forward_hook(partial(_head, f"model.head: {type(head).__name__}"))


def _stage(what: str, tower: Tower, number: int, _: nn.Module, given: tuple[Tensor, ...], made: object) -> None:
    _check_shape(what, made, tower.widths[number : number + 1], maps=True, count=len(given[0]))


def _head(what: str, _: nn.Module, given: tuple[Tensor, ...], made: object) -> None:
    _check_shape(what, made, (Head.outputs,), count=len(given[0]))


def _check_shape(what: str, made: object, width: tuple[int, ...], maps: bool = False, count: int = _TRIED) -> None:
    wanted = (count, *width)
    shape = tuple(made.shape) if isinstance(made, Tensor) else ()
    if not isinstance(made, Tensor) or shape[:2] != wanted or len(shape) != (4 if maps else 2):
        ends = ", H, W" if maps else ""
        got = f"({', '.join(map(str, shape))})" if isinstance(made, Tensor) else type(made).__name__
        raise InputError(f"{what}: must make ({count}, {width[0]}{ends}) of {count} pairs; got {got}")
