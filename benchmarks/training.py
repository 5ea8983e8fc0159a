"""Pairs per second of whole training epochs as `oresort.train` runs them, with each of its options for speed.

    python benchmarks/training.py [--data DIR] [--device gpu] [--out FOLDER] [recipe=lite ...]

Measures the real trainer (loader, augmentation, metrics, logging) from the end of its first epoch on; prints,
asserts nothing. The last column says how long the paper's 200 epochs of 21,739 pairs would take at that rate.
"""

import argparse
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from timing import begin, report

from oresort.belt import write_pairs
from oresort.console.compose import composed
from oresort.learn.config import TrainConfig
from oresort.learn.fit import data_module
from oresort.learn.fitting import seeded
from oresort.learn.module import OreModule
from oresort.learn.options import check_options
from oresort.learn.plan import plan_steps
from oresort.learn.quiet import expected_warnings
from oresort.learn.sweep import register_resolvers
from oresort.learn.trainer import make_trainer
from oresort.make import targets, trust

PAPER = 200 * 21_739  # pairs of the paper's training
EPOCH = 2**31 - 1  # steps of a block: all there are

CASES: dict[str, list[str]] = {
    "host": ["data.resident=false", "block=0"],
    "resident": ["data.resident=true", "block=0"],
    "resident, block": ["data.resident=true", f"block={EPOCH}"],
    "resident, block, bf16": ["data.resident=true", f"block={EPOCH}", "trainer.precision=bf16-mixed"],
    "resident, block, bf16, compiled": [
        "data.resident=true", f"block={EPOCH}", "trainer.precision=bf16-mixed", "compile=true",
    ],
}  # fmt: skip
"""Options of `oresort.train`; all else is that of `trainer=cpu` or `trainer=gpu` in float32."""


class Clock(L.Callback):
    """Times training epochs, validation apart."""

    def __init__(self) -> None:
        self.start, self.seconds = 0.0, list[float]()
        self.pairs = 0

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Start the clock."""
        self.start = self._now()

    def on_validation_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Stop it: the epoch's training is over."""
        self.seconds.append(self._now() - self.start)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Count what was trained on."""
        assert isinstance(module, OreModule)
        loader: Any = trainer.train_dataloader
        batches, size = getattr(loader, "steps", len(loader)), getattr(loader, "batch_size", None)
        self.pairs = batches * (size or loader.loader.batch_size)

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def rate(words: list[str], folder: Path) -> float:
    """Return the highest rate of an epoch after the first, in pairs/s, of a run as `words` configure it."""
    cfg = composed("train", TrainConfig, *words)
    trust(*targets(asdict(cfg)))
    check_options(cfg)
    seeded(cfg)
    data, clock = data_module(cfg), Clock()
    module = OreModule(
        model={**asdict(cfg.model), "channels": data.representation.channels}, representation=cfg.representation,
        optim=cfg.optim, schedule=cfg.schedule, objective=cfg.objective, channels_last=cfg.channels_last,
        compile=cfg.compile,
    )  # fmt: skip
    trainer = make_trainer(cfg, plan_steps(cfg, module, data), folder, [])
    trainer.callbacks.append(clock)  # type: ignore[attr-defined]
    trainer.fit(module, datamodule=data)
    return max(clock.pairs / seconds for seconds in clock.seconds[1:])


def main() -> None:
    """Measure every case that the device can run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=None, help="a dataset; without one, a small one is simulated")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="gpu" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--epochs", type=int, default=3, help="the first one is not counted (%(default)s)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch (%(default)s)")
    parser.add_argument("--cases", default="", help="only the cases whose name contains this")
    parser.add_argument("--out", type=Path, default=None, help="folder for training.csv")
    parser.add_argument("words", nargs="*", help="of oresort.train, such as recipe=lite")
    options = parser.parse_args()
    if options.epochs < 2:
        parser.error("--epochs: at least 2, since the first is not counted")
    machine = begin(options.threads)
    register_resolvers()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if options.data is None:
            write_pairs(Path(folder), 600, seed=0)
        for name, case in CASES.items():
            if options.cases not in name:
                continue
            words = [
                f"trainer={options.device}", "trainer.precision=32-true", f"trainer.max_epochs={options.epochs}",
                "trainer.enable_progress_bar=false", f"data.root={options.data or folder}", *options.words, *case,
            ]  # fmt: skip
            with expected_warnings():
                found = rate(words, Path(folder) / "run")
            rows.append(
                {
                    "options": name,
                    "pairs/s": round(found),
                    "paper's training, min": round(PAPER / found / 60, 1),
                }
            )
    table = pd.DataFrame(rows)
    table["ratio to the first"] = (table["pairs/s"] / table["pairs/s"].iloc[0]).round(2)
    device = torch.cuda.get_device_name() if options.device == "gpu" else "CPU"
    report(
        table,
        f"training on {', '.join([device, *options.words])}; {machine.replace('processor time', 'wall time')}",
        options.out and options.out / "training.csv",
    )


if __name__ == "__main__":
    main()
