"""Pairs per second that the loader alone delivers, against what training consumes.

Run by `make bench`; prints, asserts nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from timing import spec
from torch.nn import functional as F

from oresort.belt import write_pairs
from oresort.data.datamodule import OreDataModule
from oresort.learn.module import OreModule
from oresort.paths import choices, part


def loader_rate(data: OreDataModule, seconds: float) -> float:
    """Pairs per second of whole training epochs, augmentation included."""
    count, epoch, start = 0, 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        count += sum(len(batch["label"]) for batch in data.loader("train", epoch=epoch))
        epoch += 1
    return count / (time.perf_counter() - start)


def training_rate(data: OreDataModule, representation: Mapping[str, object], seconds: float) -> float:
    """Pairs per second of optimiser steps on one batch that is already there."""
    module = OreModule(spec(), representation)
    optimizer = torch.optim.Adam(module.net.parameters(), lr=3e-4)
    batch = next(iter(data.loader("train", epoch=0)))
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        optimizer.zero_grad()
        F.cross_entropy(module(batch["low"], batch["high"]), batch["label"]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        count += len(batch["label"])
    return count / (time.perf_counter() - start)


def main() -> None:
    """Measure loader and training in turns, so that both meet the same load of the machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=600, help="pairs to simulate")
    parser.add_argument("--seconds", type=float, default=10.0, help="seconds for each figure")
    options = parser.parse_args()
    table = Table(title=f"pairs/s, batch 64, {torch.get_num_threads()} threads")
    for column in ("representation", "loader", "training", "ratio"):
        table.add_column(column, justify="left" if column == "representation" else "right")
    with tempfile.TemporaryDirectory() as folder:
        write_pairs(Path(folder), options.pairs, seed=0)
        for name in choices("representation"):
            representation = part("representation", name)
            data = OreDataModule(folder, representation)
            data.setup()
            loader = loader_rate(data, options.seconds)
            training = training_rate(data, representation, options.seconds)
            table.add_row(name, f"{loader:,.0f}", f"{training:,.0f}", f"{loader / training:.0f}x")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
