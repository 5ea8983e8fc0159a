"""A checkpoint, asked about a split of a dataset as its own training run would ask it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oresort.console.progress import track
from oresort.data.augment import turn
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError, one_line
from oresort.learn.checkpoint import load_trained
from oresort.learn.trained import Trained
from oresort.models.heads.head import p_ore
from oresort.sorting.probability import check_probabilities


def opened(
    ckpt: str | Path,
    root: str | Path,
    *,
    cutoff: float | None = None,
    cache: str | Path | None = None,
    follow_links: bool = False,
    data: OreDataModule | None = None,
) -> tuple[Trained, OreDataModule]:
    """Return a checkpoint, and the pairs of a dataset as its settings choose and split them.

    Raises:
        InputError: as `evaluate_checkpoint`.
    """
    trained = load_trained(ckpt)
    trained = trained.at_cutoff(cutoff if trained.module.net.reading is not None else None)
    own: dict[str, Any] = {"root": str(root), "cache": str(cache) if cache else None, "follow_links": follow_links}
    own |= {} if cutoff is None else {"cutoff": cutoff}
    settings = {**trained.data, **own}
    if data is None or dict(data.hparams) != settings:
        try:
            data = OreDataModule(**settings)
        except (InputError, TypeError, ValueError) as error:
            why = f"the settings of its data cannot be used ({one_line(error)})"
            raise InputError(f"{ckpt}: {why}; give one that oresort.train wrote") from error
    return trained, data


def seen_before(trained: Trained, data: OreDataModule, split: str) -> dict[str, int]:
    """Return as `trained_on` how many pairs of a split the model was trained on; {} of train, or if nobody knows."""
    images = trained.module.trained_on
    return {} if split == "train" or not len(images) else {"trained_on": data.count_seen(split, images)}


class Answered(NamedTuple):
    """What a model answers of a split, in the manifest's order."""

    rows: NDArray[np.int64]  # of the manifest (N,)
    p_ore: NDArray[np.float32]  # of each view of a particle (V, N)
    told: NDArray[np.float32]  # mean and scale of ln(grade), as it lies (N, 2); (0, 2) of classes
    seconds: tuple[float, float]  # with the first view alone, and with all


def answers(
    trained: Trained, data: OreDataModule, split: str, place: torch.device, views: Sequence[int] = (0,)
) -> Answered:
    """Ask a model about the pairs of a split, in one or more views of each, see `oresort.data.augment.turn`."""
    loader, module = data.loader(split), trained.module.to(place)
    reading, told = module.net.reading, [torch.zeros(0, 2)]
    found: list[list[Tensor]] = [[] for _ in views]
    numbers, one, every = [], 0.0, 0.0
    with torch.inference_mode():
        since = time.perf_counter()
        for batch in track(loader, len(loader), "classifying"):
            images = batch["low"].to(place), batch["high"].to(place)
            for number, view in enumerate(views):
                turned = [turn(image, view) for image in images]
                if reading is None:
                    logits = module(*turned)
                else:
                    logits, _, outputs = module.net.parts(*module.laid_out(*turned))
                    if number == 0:
                        told.append(torch.stack(reading.distribution(outputs), dim=1).cpu())
                found[number].append(p_ore(logits, module.temperature).cpu())  # which waits for a GPU
                one += 0.0 if number else time.perf_counter() - since
            numbers.append(batch["index"])
            every += time.perf_counter() - since
            since = time.perf_counter()
    index, order = torch.cat(numbers).sort()
    p = torch.stack([torch.cat(parts)[order] for parts in found]).numpy()  # (V, N)
    check_probabilities(p.ravel(), f"{trained.file}: p_ore")
    known = torch.cat(told)  # (N, 2)
    return Answered(index.numpy(), p, (known[order] if len(known) else known).numpy(), (one, every))
