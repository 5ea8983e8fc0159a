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
from oresort.files.layout import CLASSES
from oresort.learn.checkpoint import device_named, load_trained
from oresort.learn.metrics import binary_metrics
from oresort.learn.module import OreModule
from oresort.models.heads.head import p_ore
from oresort.sorting.threshold import choose_threshold


class Evaluation(NamedTuple):
    """What a checkpoint does on one split."""

    metrics: dict[str, float]
    threshold: float
    predictions: pd.DataFrame
    """`id, scan, split, label (ore|waste), p_ore`, in the manifest's order."""


def predict(module: OreModule, batches: Iterable[Batch], total: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return p_ore (N,) float32 and the manifest rows (N,) int64 of all batches, on the CPU."""
    module.eval().to(device)
    found, index = [], []
    with torch.inference_mode():
        for batch in track(batches, total, "classifying"):
            logits = module(batch["low"].to(device), batch["high"].to(device))  # (B, 2)
            found.append(p_ore(logits).cpu())
            index.append(batch["index"])
    return torch.cat(found), torch.cat(index)


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
    found, index = predict(trained.module, loader, len(loader), device_named(device))
    order = index.argsort()
    found, rows = found[order], data.frame.iloc[index[order].numpy()]
    label = torch.tensor(rows["label"].tolist())
    cut = trained.threshold
    if threshold is not None:
        cut = choose_threshold(float(threshold), found.numpy(), label.numpy())
    predictions = rows[["id", "scan"]].assign(
        split=split, label=rows["label"].map(dict(enumerate(CLASSES))), p_ore=found.numpy()
    )
    return Evaluation(binary_metrics(found, label, cut), cut, predictions.reset_index(drop=True))
