"""Pairs per second of whole training epochs as `oresort.train` runs them, with each of its options for speed.

    python benchmarks/training.py [--data DIR] [--device gpu] [--out FOLDER]

Measures the real trainer (loader, augmentation, metrics, logging) from the end of its first epoch on; prints,
asserts nothing. The last column says how long the paper's 200 epochs of 21,739 pairs would take at that rate.
"""

import argparse
import logging
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from timing import begin, report, spec

from oresort.belt import write_pairs
from oresort.data.datamodule import OreDataModule
from oresort.learn.module import OreModule
from oresort.paths import part

PAPER = 200 * 21_739  # pairs of the paper's training

CASES: dict[str, dict[str, Any]] = {
    "as on a CPU": {},
    "resident": {"resident": True},
    "resident, bf16": {"resident": True, "precision": "bf16-mixed"},
    "resident, bf16, channels last": {"resident": True, "precision": "bf16-mixed", "channels_last": True},
    "resident, compiled": {"resident": True, "compile": True},
    "resident, bf16, compiled": {"resident": True, "precision": "bf16-mixed", "compile": True},
    "resident, bf16, CUDA graphs": {
        "resident": True,
        "precision": "bf16-mixed",
        "compile": "reduce-overhead",
    },
}
"""Options of `oresort.train`: data.resident, trainer.precision, channels_last, compile."""


class Clock(L.Callback):
    """Times training epochs, validation apart."""

    def __init__(self) -> None:
        self.start, self.seconds, self.pairs, self.count = 0.0, [0.0], [0], 0

    def on_train_epoch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Start the clock."""
        self.count, self.start = 0, self._now()

    def on_train_batch_end(self, trainer: L.Trainer, module: Any, outputs: Any, batch: Any, index: int) -> None:
        """Count the batch, and stop the clock after the epoch's last."""
        self.count += len(batch["label"])
        if index + 1 == trainer.num_training_batches:
            self.seconds.append(self._now() - self.start)
            self.pairs.append(self.count)

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()


def rate(data: str, device: str, batch: int, epochs: int, options: dict[str, Any]) -> float:
    """Return the highest rate of an epoch after the first, in pairs/s."""
    precision = options.get("precision", "32-true")
    module = OreModule(
        spec(),
        part("representation", "attenuation"),
        optim=part("optim", "adamw"),
        schedule=part("schedule", "cosine"),
        channels_last=options.get("channels_last", False),
        compile=options.get("compile", False),
    )
    clock = Clock()
    trainer = L.Trainer(
        accelerator=device, devices=1, precision=precision, max_epochs=epochs, logger=False, callbacks=[clock],
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1, num_sanity_val_steps=0, limit_val_batches=1,
    )  # fmt: skip
    module.on_validation_epoch_end = module._val.reset  # type: ignore[method-assign]  # one batch has no metrics
    trainer.fit(
        module,
        datamodule=OreDataModule(data, batch_size=batch, resident=options.get("resident", False)),
    )
    return max(p / s for p, s in zip(clock.pairs[2:], clock.seconds[2:], strict=True))


def main() -> None:
    """Measure every case that the device can run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=None, help="a dataset; without one, a small one is simulated")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="gpu" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=64, help="pairs a batch (%(default)s)")
    parser.add_argument("--epochs", type=int, default=3, help="the first one is not counted (%(default)s)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch (%(default)s)")
    parser.add_argument("--tf32", action="store_true", help="GPUs: multiply float32 with 10 bits of mantissa")
    parser.add_argument("--cases", default="", help="only the cases whose name contains this")
    parser.add_argument("--out", type=Path, default=None, help="folder for training.csv")
    options = parser.parse_args()
    if options.epochs < 2:
        parser.error("--epochs: at least 2, since the first is not counted")
    machine = begin(options.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.tf32
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if options.data is None:
            write_pairs(Path(folder), 600, seed=0)
        for name, case in CASES.items():
            if options.cases not in name or ("CUDA" in name and options.device == "cpu"):
                continue
            found = rate(options.data or folder, options.device, options.batch, options.epochs, case)
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
        f"training on {device}, batch {options.batch}; {machine.replace('processor time', 'wall time')}",
        options.out and options.out / "training.csv",
    )


if __name__ == "__main__":
    main()
