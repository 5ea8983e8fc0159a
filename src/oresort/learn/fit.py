"""One training run, from a configuration to a run folder."""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig, model_spec
from oresort.learn.deciding import check_reach, decide_best
from oresort.learn.evaluation import Evaluation, evaluate_checkpoint
from oresort.learn.fitting import fit, seeded
from oresort.learn.module import OreModule
from oresort.learn.options import check_options
from oresort.learn.run import recorded
from oresort.learn.start import pinned
from oresort.learn.tracking import close, make_loggers, summarise
from oresort.sorting import METRICS
from oresort.sorting.operating import OF_LABELS, check_used
from oresort.sorting.prices import load_prices


def train(cfg: TrainConfig, folder: str | Path, data: OreDataModule | None = None) -> dict[str, Any]:
    """Train, choose by validation, test once, and return the run's flat row.

    Writes `config.yaml`, `provenance.json`, `metrics.csv`, `metrics.json`, `predictions.csv` and
    `checkpoints/{best,last}.ckpt` into `folder`. If `last.ckpt` is there already, the run goes on from it.
    A run that fails leaves `status: failed` and the reason in `metrics.json`. In distributed training only the
    first process writes; the others return an empty row. `data` are the pairs that `cfg` names, if at hand already.

    Raises:
        InputError: what the configuration or the data have wrong.
    """
    folder = Path(folder)
    check_options(cfg)
    cfg = pinned(cfg)
    data = data or data_module(cfg)
    if getattr(rank_zero_only, "rank", 0) != 0:
        # a further process of distributed training: the first one keeps the record
        return _fit(cfg, folder, data, [])
    with running(cfg, folder, data) as (row, loggers):
        row |= _fit(cfg, folder, data, loggers)
    return row


@contextmanager
def running(cfg: TrainConfig, folder: Path, data: OreDataModule) -> Iterator[tuple[dict[str, Any], list[Logger]]]:
    """Keep the record of a run while the block trains, see `recorded`; yield its row and its loggers."""
    row: dict[str, Any] = {}
    loggers: list[Logger] = []
    try:
        with recorded(folder, asdict(cfg), data.fingerprint) as row:
            loggers += make_loggers(cfg, folder)
            yield row, loggers
    finally:
        close(loggers, failed=row.get("status") != "finished")
        # the next run of a sweep starts in this process: nothing of this one may be left
        torch.use_deterministic_algorithms(False)
        gc.collect()  # trainer and module hold each other, and with them the device's memory
        torch.cuda.empty_cache()


def data_module(cfg: TrainConfig) -> OreDataModule:
    """Return the data of a configuration; InputError if it names none."""
    if not cfg.data.root:
        raise InputError("data.root: empty; name the dataset's folder as data.root=DIR")
    return OreDataModule(**asdict(cfg.data), representation=cfg.representation, augment=cfg.augment, seed=cfg.seed)


def _fit(cfg: TrainConfig, folder: Path, data: OreDataModule, loggers: list[Logger]) -> dict[str, Any]:
    seeded(cfg)
    check_used(cfg.threshold, cfg.operating, cfg.prices)
    prices = load_prices(Path(cfg.prices)) if cfg.prices else None
    check_reach(cfg.threshold, cfg.operating, prices, data.frame)
    if grades := cfg.task == "grade":
        print("note: task=grade learns by the likelihood of grades; objective.loss has no part in it", file=sys.stderr)
    module = OreModule(
        model=model_spec(cfg, data.representation.channels),
        representation=cfg.representation,
        optim=cfg.optim,
        schedule=cfg.schedule,
        objective={key: value for key, value in cfg.objective.items() if not (grades and key == "loss")},
        # what asks for more than classes is asked of the best epoch alone
        threshold=cfg.threshold if cfg.threshold in OF_LABELS or not isinstance(cfg.threshold, str) else OF_LABELS[0],
        lost_ore=cfg.operating.lost_ore,
        temperature=cfg.temperature,
        channels_last=cfg.channels_last,
        compile=cfg.compile,
        cut=asdict(data.cut) if data.cut else None,
        freeze=cfg.freeze,
        rates=asdict(cfg.rates),
    )
    if not (row := fit(cfg, folder, module, data, loggers)):
        return {}
    best = folder / "checkpoints" / "best.ckpt"
    row["epoch"] = load_trained(best).epoch
    # through the checkpoint and the same function as `oresort.evaluate`, so that both agree to the bit
    start = time.perf_counter()

    def measured(side: str) -> Evaluation:
        own = cfg.data
        return evaluate_checkpoint(best, own.root, side, cache=own.cache, follow_links=own.follow_links, data=data)

    decide_best(best, measured("val"), cfg.threshold, cfg.operating, cfg.band, prices)
    val, test = measured("val"), measured("test")
    row |= {"test_seconds": time.perf_counter() - start, "threshold": test.threshold}
    figures = {f"{side}/{name}": r.metrics[name] for side, r in (("val", val), ("test", test)) for name in METRICS}
    predictions = pd.concat([val.predictions, test.predictions], ignore_index=True)
    with replacing(folder / "predictions.csv") as temporary:
        predictions.to_csv(temporary, index=False)
    summarise(loggers, figures, predictions, test.threshold, data.pictures, best)
    return row | figures
