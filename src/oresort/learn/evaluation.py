"""A checkpoint's figures on one split of a dataset; training reports its own figures through this, too."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from oresort.console.progress import track
from oresort.data.datamodule import OreDataModule
from oresort.data.loaders import Batch
from oresort.errors import InputError
from oresort.learn.checkpoint import load_trained
from oresort.learn.metrics import binary_metrics
from oresort.learn.module import OreModule
from oresort.sorting.threshold import choose_threshold


class Evaluation(NamedTuple):
    """What a checkpoint does on one split."""

    metrics: dict[str, float]
    threshold: float
    predictions: pd.DataFrame
    """`id, scan, split, label (ore|waste), p_ore`, in the manifest's order."""


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


def predict(
    module: OreModule, batches: Iterable[Batch], total: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return p_ore (N,) float32 and the manifest rows (N,) int64 of all batches, on the CPU."""
    module.eval().to(device)
    p_ore, index = [], []
    with torch.inference_mode():
        for batch in track(batches, total, "classifying"):
            logits = module(batch["low"].to(device), batch["high"].to(device))
            p_ore.append(logits.float().softmax(dim=1)[:, 1].cpu())
            index.append(batch["index"])
    return torch.cat(p_ore), torch.cat(index)


def evaluate_checkpoint(
    ckpt: str | Path,
    root: str | Path,
    split: str = "test",
    *,
    device: str = "auto",
    threshold: float | None = None,
    cache: str | Path | None = None,
    data: OreDataModule | None = None,
) -> Evaluation:
    """Classify one split of a dataset as the checkpoint's own run did, and measure it.

    Args:
        ckpt: checkpoint of `oresort.train`, or the run folder that holds it.
        root: the dataset; which pairs are in `split` follows from it and from the checkpoint's settings.
        split: train, val or test.
        device: `auto`, `cpu`, `cuda`...
        threshold: in place of the one saved with the model.
        cache: folder of prepared pairs; None means the dataset's own.
        data: taken in place of reading the dataset again, if its settings are the checkpoint's.

    Raises:
        InputError: what the checkpoint, the dataset or an argument has wrong.
    """
    trained = load_trained(ckpt)
    settings = {**trained.data, "root": str(root), "cache": str(cache) if cache else None}
    if data is None or dict(data.hparams) != settings:
        data = OreDataModule(**settings)
    loader = data.loader(split)
    p_ore, index = predict(trained.module, loader, len(loader), device_named(device))
    order = index.argsort()
    p_ore, rows = p_ore[order], data.frame.iloc[index[order].numpy()]
    label = torch.tensor(rows["label"].tolist())
    cut = (
        trained.threshold
        if threshold is None
        else choose_threshold(float(threshold), p_ore.numpy(), label.numpy())
    )
    predictions = pd.DataFrame(
        {
            "id": rows["id"].to_numpy(),
            "scan": rows["scan"].to_numpy(),
            "split": split,
            "label": rows["label"].map({0: "waste", 1: "ore"}).to_numpy(),
            "p_ore": p_ore.numpy(),
        }
    )
    return Evaluation(binary_metrics(p_ore, label, cut), cut, predictions)
