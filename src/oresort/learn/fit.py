"""One training run, from a configuration to a run folder."""

import gc
import time
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from lightning.pytorch.utilities import rank_zero_only

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.files.dataset import read_dataset
from oresort.files.layout import SPLITS
from oresort.files.write import replacing
from oresort.learn.config import TrainConfig
from oresort.learn.epochs import EpochLogger
from oresort.learn.evaluation import Evaluation, evaluate_checkpoint
from oresort.learn.module import OreModule
from oresort.learn.run import recorded
from oresort.learn.tracking import Tracking, make_logger
from oresort.learn.trainer import make_trainer
from oresort.sorting import METRICS

_EXPECTED = (
    r".*treespec, LeafSpec.*",  # lightning 2.6 calls a pytree helper that torch 2.15 deprecates
    r"The '\w+' does not have many workers",  # pairs come out of memory: workers would only copy them
    r"Checkpoint directory .* exists and is not empty",  # so it is when a run goes on
    r"The number of training batches",  # figures are logged by epoch, not by step
)
"""Warnings of Lightning that say nothing to a user of this package."""


def train(cfg: TrainConfig, folder: Path, data: OreDataModule | None = None) -> dict[str, Any]:
    """Train, choose by validation, test once, and return the run's flat row.

    Writes `config.yaml`, `provenance.json`, `metrics.csv`, `metrics.json`, `predictions.csv` and
    `checkpoints/{best,last}.ckpt` into `folder`. If `last.ckpt` is there already, the run goes on from it.
    A run that fails leaves `status: failed` and the reason in `metrics.json`. In distributed training only the
    first process writes; the others return an empty row.

    Args:
        cfg: the configuration.
        folder: of the run.
        data: the pairs that `cfg` names, if they are at hand already.

    Raises:
        InputError: what the configuration or the data have wrong.
    """
    data = data or data_module(cfg)
    if getattr(rank_zero_only, "rank", 0) != 0:
        # a further process of distributed training: the first one keeps the record
        _fit(cfg, folder, data, Tracking())
        return {}
    _check_cut(folder, data.root)
    logger = None
    try:
        with recorded(folder, asdict(cfg), data.fingerprint()) as row:
            logger = make_logger(cfg, folder)
            row |= _fit(cfg, folder, data, logger)
    finally:
        if logger is not None:
            logger.finish(failed=row["status"] != "finished")
        # the next run of a sweep starts in this process: nothing of this one may be left
        torch.use_deterministic_algorithms(False)
        gc.collect()
        torch.cuda.empty_cache()
    return row


def data_module(cfg: TrainConfig) -> OreDataModule:
    """Return the data of a configuration; InputError if it names none."""
    if not cfg.data.root:
        raise InputError("data.root: empty; name the dataset's folder as data.root=DIR")
    return OreDataModule(**asdict(cfg.data), representation=cfg.representation, augment=cfg.augment, seed=cfg.seed)


def _check_cut(folder: Path, root: Path) -> None:
    # pairs cut in another way are other pairs, though they may be called the same
    last = folder / "checkpoints" / "last.ckpt"
    if last.is_file():
        content = torch.load(last, map_location="cpu", weights_only=True)
        then, now = content["hyper_parameters"]["cut"], read_dataset(root)
        if then != (None if now is None else asdict(now)):
            raise InputError(
                f"{folder}: holds a run on pairs that were cut in another way ({then} there); choose another out=DIR"
            )


def _fit(cfg: TrainConfig, folder: Path, data: OreDataModule, logger: Tracking) -> dict[str, Any]:
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = cfg.tf32
    cut = read_dataset(data.root)
    module = OreModule(
        model={**asdict(cfg.model), "channels": data.representation.channels},
        representation=cfg.representation,
        optim=cfg.optim,
        schedule=cfg.schedule,
        objective=cfg.objective,
        threshold=cfg.threshold,
        channels_last=cfg.channels_last,
        compile=cfg.compile,
        cut=asdict(cut) if cut else None,
    )
    trainer = make_trainer(cfg, folder, [EpochLogger(folder / "metrics.csv"), *logger.loggers])
    data.setup()
    last = folder / "checkpoints" / "last.ckpt"
    start = time.perf_counter()
    with warnings.catch_warnings():
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=message)
        trainer.fit(module, datamodule=data, ckpt_path=str(last) if last.is_file() else None)
    seconds = time.perf_counter() - start
    if not trainer.is_global_zero:
        return {}
    if trainer.interrupted:
        raise InputError(f"{folder}: interrupted; go on with resume={folder}")
    best = folder / "checkpoints" / "best.ckpt"
    if not best.is_file():
        raise InputError(f"val/{cfg.monitor} was never a number: no best epoch; train longer, or mend the data")
    chosen = next(c for c in trainer.checkpoint_callbacks if getattr(c, "filename", "") == "best")
    row = {
        **{f"pairs/{side}": int((data.frame["split"] == side).sum()) for side in SPLITS},
        "params": sum(p.numel() for p in module.net.parameters() if p.requires_grad),
        "weights": "best",
        "monitor": f"val/{cfg.monitor}",
        "monitor_value": float(chosen.best_model_score),  # type: ignore[attr-defined]
        "epoch": int(torch.load(best, map_location="cpu", weights_only=True)["epoch"]),
        "epochs": trainer.current_epoch,
        "fit_seconds": seconds,
    }
    return row | _measure(cfg, folder, best, logger, data)


def _measure(cfg: TrainConfig, folder: Path, best: Path, logger: Tracking, data: OreDataModule) -> dict[str, Any]:
    # through the checkpoint and the same function as `oresort.evaluate`, so that both agree to the bit
    start = time.perf_counter()
    results: dict[str, Evaluation] = {
        split: evaluate_checkpoint(best, cfg.data.root, split, cache=cfg.data.cache, data=data)
        for split in ("val", "test")
    }
    row: dict[str, Any] = {
        "test_seconds": time.perf_counter() - start,
        "threshold": results["test"].threshold,
    }
    for split, result in results.items():
        row |= {f"{split}/{name}": result.metrics[name] for name in METRICS}
    logger.summary({key: value for key, value in row.items() if "/" in key})
    predictions = pd.concat([r.predictions for r in results.values()], ignore_index=True)
    with replacing(folder / "predictions.csv") as temporary:
        predictions.to_csv(temporary, index=False)
    logger.results(predictions, row["threshold"], data.pictures, best)
    return row
