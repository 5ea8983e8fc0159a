"""One training run, from a configuration to a run folder."""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError, Interrupted, one_line
from oresort.files.layout import SPLITS
from oresort.files.reading import read_json
from oresort.files.write import replacing, write_json
from oresort.learn.checkpoint import load_trained
from oresort.learn.clock import Clock, spent_in
from oresort.learn.config import TrainConfig, model_spec
from oresort.learn.deciding import check_reach, decide_best
from oresort.learn.evaluation import Evaluation, evaluate_checkpoint
from oresort.learn.grades import learn_grades
from oresort.learn.longer import LONGER, go_on
from oresort.learn.module import OreModule
from oresort.learn.options import check_options
from oresort.learn.plan import plan_steps
from oresort.learn.quiet import expected_warnings
from oresort.learn.run import recorded
from oresort.learn.saving import WholeCheckpoints, check_weights, images_of
from oresort.learn.seen import seen_in
from oresort.learn.start import STARTED, Taken, pinned, start_from
from oresort.learn.tracking import EpochLogger, close, make_loggers, summarise
from oresort.learn.trainer import make_trainer
from oresort.learn.turns import beside
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


@rank_zero_only
def _note(cfg: TrainConfig, folder: Path, told: Taken) -> None:
    parts = {"taken": told.taken, "left": told.left, "notes": told.notes}
    write_json(folder / STARTED, {"file": cfg.weights, "hash": cfg.weights_hash, **parts})
    print(*told.lines(str(cfg.weights)), sep="\n", file=sys.stderr)


def seeded(cfg: TrainConfig) -> None:
    """Fix what is drawn from here on; before the model, whose weights are drawn."""
    L.seed_everything(cfg.seed, workers=True, verbose=False)
    # deterministic torch fills new memory with NaN, to show what is used unset: on a GPU a kernel for each, each time
    on_gpu = cfg.trainer.get("accelerator") in ("gpu", "cuda")
    torch.utils.deterministic.fill_uninitialized_memory = not on_gpu  # type: ignore[attr-defined]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = cfg.tf32


def fit(
    cfg: TrainConfig, folder: Path, module: OreModule, data: OreDataModule, loggers: list[Logger]
) -> dict[str, Any]:
    """Train a module, from `last.ckpt` or else from `cfg.weights` if there are such; return what of the row it knows.

    In distributed training the row is empty but for the first process.

    Raises:
        InputError: what the configuration, a checkpoint or the weights have wrong, or no best epoch.
    """
    epochs, last = EpochLogger(folder / "metrics.csv"), folder / "checkpoints" / "last.ckpt"
    before = module.trained_on
    if cfg.stretches and not last.is_file():
        print(f"{folder}: {go_on(cfg, folder, module, data.fingerprint())}", file=sys.stderr)
        epochs = EpochLogger(folder / "metrics.csv")
    if last.is_file():
        content = WholeCheckpoints().load_checkpoint(last)
        before, module.clock = images_of(last, content), Clock(spent_in(last, content))
        check_weights(content["state_dict"], module, last)
        epochs.log_metrics(content.get("figures", {}))  # a kill may have come between a checkpoint and its row
    elif cfg.weights is not None:
        told = start_from(cfg, module.net, data.representation)
        before = told.trained_on
        _note(cfg, folder, told)
    trainer = make_trainer(cfg, plan_steps(cfg, module, data), folder, [epochs, *loggers])
    data.setup()  # before the clock starts: whoever finds the cache built would seem faster
    module.seen |= seen_in(data)
    if module.net.reading is not None:
        learn_grades(module, data)
    module.trained_on = data.trained_on(before)
    with expected_warnings():
        try:
            trainer.fit(module, datamodule=data, ckpt_path=str(last) if last.is_file() else None)
        except MisconfigurationException as error:
            raise InputError(f"trainer: {one_line(error)}; change trainer.*") from error
        except SystemExit as stopped:  # what Lightning makes of a signal, without a word
            code = getattr(stopped.__context__, "code", Interrupted().code)
            mend = f"go on with resume={folder}" if last.is_file() else "start it again: no epoch was finished"
            raise Interrupted(f"{folder}: interrupted; {mend}", code) from stopped
    row: dict[str, Any] = {**module.clock.row(), "epochs": trainer.current_epoch, "precision": trainer.precision}
    if not trainer.is_global_zero:
        return {}
    if not (folder / "checkpoints" / "best.ckpt").is_file():
        raise InputError(f"val/{cfg.monitor} was never a number: no best epoch; train longer, or mend the data")
    chosen = next(c for c in trainer.checkpoint_callbacks if getattr(c, "filename", "") == "best")
    row |= {
        **{f"pairs/{side}": int((data.frame["split"] == side).sum()) for side in SPLITS},
        "dataset": data.fingerprint(sides=False),
        **data.leakage(),
        "params": sum(p.numel() for p in module.net.parameters()),
        "weights": "best",
        "monitor": f"val/{cfg.monitor}",
        "monitor_value": float(chosen.best_model_score),  # type: ignore[attr-defined]
    }
    if (count := beside()) > 1:  # in whose time the others trained, too
        row["at_once"] = count
    if cfg.weights is not None:  # also of a run that went on, and had no need of them any more
        row["taken"] = ", ".join(read_json(folder / STARTED, "train that run again")["taken"])
    if cfg.stretches:
        row["goes_on"] = read_json(folder / LONGER, "train that run again")["schedule"]
    return row


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
