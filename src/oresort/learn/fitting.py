"""A module fitted to its pairs: from where it stands, to its best epoch by validation."""

import sys
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError, Interrupted, one_line
from oresort.files.layout import SPLITS
from oresort.files.reading import read_json
from oresort.files.write import write_json
from oresort.learn.clock import Clock, spent_in
from oresort.learn.config import TrainConfig
from oresort.learn.grades import learn_grades
from oresort.learn.longer import LONGER, go_on
from oresort.learn.module import OreModule
from oresort.learn.plan import plan_steps
from oresort.learn.quiet import expected_warnings
from oresort.learn.saving import WholeCheckpoints, check_weights, images_of
from oresort.learn.seen import seen_in
from oresort.learn.start import STARTED, Taken, start_from
from oresort.learn.tracking import EpochLogger
from oresort.learn.trainer import make_trainer
from oresort.learn.turns import beside


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


@rank_zero_only
def _note(cfg: TrainConfig, folder: Path, told: Taken) -> None:
    parts = {"taken": told.taken, "left": told.left, "notes": told.notes}
    write_json(folder / STARTED, {"file": cfg.weights, "hash": cfg.weights_hash, **parts})
    print(*told.lines(str(cfg.weights)), sep="\n", file=sys.stderr)
