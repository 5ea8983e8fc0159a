"""More epochs for a finished run: a run of its own, which begins with all that the other ended with."""

import re
import shutil
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from lightning.pytorch.utilities import rank_zero_only
from torch.optim.lr_scheduler import LRScheduler

from oresort.console.counted import counted
from oresort.console.ranges import shown, whole
from oresort.data.index import otherwise
from oresort.errors import InputError
from oresort.files.reading import digest_of, present
from oresort.files.write import write_json
from oresort.learn.config import TrainConfig
from oresort.learn.module import OreModule
from oresort.learn.record import RECORD, read_row
from oresort.learn.run import finished
from oresort.learn.saving import WholeCheckpoints, check_weights, moved
from oresort.learn.schedule import Schedule, build_optimizer
from oresort.learn.start import STARTED
from oresort.make import find

LONGER = "longer.json"
"""Of a run that went on from another: that `run`, the `hash` of its last checkpoint, `epoch` and `schedule`."""

C = TypeVar("C", bound=TrainConfig)

_OF_DEVICE = ("params", "fused", "foreach", "capturable", "differentiable")  # how an optimiser steps, not how far


def lengthened(stored: C, run: Path, epochs: object) -> tuple[C, list[str]]:
    """Return the configuration of a run that goes on from the finished one in `run` to `epochs`, and notes on it.

    `stored` is the configuration of that run. What is told of the longer one is `stretches`, its epochs at the end of
    each part, so that it is never taken for a run that was planned for as many.

    Raises:
        InputError: the run is not finished or ended before its last epoch, it has as many epochs or more, or a limit
            other than that of epochs would end the longer one.
    """
    word = f"resume={run} trainer.max_epochs={shown(epochs)}"
    planned = int(stored.trainer["max_epochs"])
    if not whole(1).allows(epochs):
        raise InputError(f"{word}: {whole(1)}")
    if (row := finished(run)) is None:
        raise InputError(f"{word}: that run is not finished; end it by resume={run} first")
    another = f"weights={run} starts another run from its weights"
    if row["epochs"] < planned or _stopped(run):
        why = "early stopping, or a limit of steps or time"
        raise InputError(
            f"{word}: that run ended after {row['epochs']} of {counted(planned, 'epoch')} ({why}); {another}"
        )
    if int(str(epochs)) <= planned:
        raise InputError(f"{word}: that run has {counted(planned, 'epoch')}; give more, or {another}")
    if (steps := stored.trainer.get("max_steps", -1)) != -1:
        raise InputError(f"{word}: trainer.max_steps={steps} of that run ends this one, too; {another}")
    trainer = stored.trainer | {"max_epochs": int(str(epochs))}
    longer = replace(deepcopy(stored), resume=str(run), out=None, trainer=trainer)
    longer.stretches = [*(stored.stretches or [planned]), int(str(epochs))]
    notes = []
    for name, spec in longer.logger.items():
        if isinstance(spec, dict) and spec.get("id") is not None:
            notes.append(f"note: logger.{name}.id={spec['id']} is of {run}; the longer run has one of its own")
            spec["id"] = None
    return longer, notes


def place_of(run: Path, cfg: TrainConfig) -> Path:
    """Return the folder of a longer run for which none was named: beside the one that it goes on from."""
    run = run.resolve() if run.name in ("", "..") else run
    name = re.sub(r"-\d+-epochs$", "", run.name) if len(cfg.stretches) > 2 else run.name
    return run.with_name(f"{name}-{cfg.stretches[-1]}-epochs")


def go_on(cfg: TrainConfig, folder: Path, module: OreModule, pairs: str) -> str:
    """Leave in `folder` what the run that `cfg.resume` names ended with, as if that had been stopped there.

    The learning rate is from here on that of a run of all epochs; returns a line that says so. A schedule of torch,
    which does not ask how long a run is, goes on as it was.

    Raises:
        InputError: that run is no longer there, has been trained on other pairs, or is damaged.
    """
    if getattr(rank_zero_only, "rank", 0) != 0:  # which would not wait for the first process
        raise InputError(f"resume={cfg.resume}: a longer run begins in one process; start it without srun or torchrun")
    run, done = Path(str(cfg.resume)), cfg.stretches[-2]
    last, best = (run / "checkpoints" / f"{name}.ckpt" for name in ("last", "best"))
    for file in (last, best):
        if not present(file):
            raise InputError(f"{file}: is not there, and a longer run begins with it; train that run again")
    if (found := str(read_row(run / RECORD).get("data"))) != pairs:
        raise InputError(f"resume={run}: the data are not those of that run ({otherwise(found, pairs)}); restore them")
    reader = WholeCheckpoints()
    content = reader.load_checkpoint(last)
    check_weights(content["state_dict"], module, last)
    steps = int(content["global_step"])
    if content["epoch"] + 1 != done or steps % done:
        held = counted(content["epoch"] + 1, "epoch")
        raise InputError(f"{last}: holds {held} and {steps} steps, no end of {done}; train that run again")
    before = [group["lr"] for group in content["optimizer_states"][0]["param_groups"]]
    _stretch(cfg, content, module, steps // done * cfg.stretches[-1], steps)
    after = [group["lr"] for group in content["optimizer_states"][0]["param_groups"]]
    told = _told(cfg, before, after)
    kept = [run / name for name in ("metrics.csv", STARTED)]
    for state in content["callbacks"].values():
        if isinstance(state, dict):  # models that a callback has kept as the best ones so far
            kept += [Path(path) for path in state.get("best_k_models") or {}]
    for file in {best, *kept}:
        if present(file) and file.resolve().is_relative_to(run.resolve()):
            target = folder / file.resolve().relative_to(run.resolve())
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    moved(content, str((run / "checkpoints").resolve()), str((folder / "checkpoints").resolve()))
    write_json(folder / LONGER, {"run": str(run), "hash": digest_of(last), "epoch": done, "schedule": told})
    # the last of all: where it is, the run has begun
    reader.save_checkpoint(content, folder / "checkpoints" / "last.ckpt")
    return told


def _stopped(run: Path) -> bool:
    """Tell whether early stopping has ended a run, be it in its last epoch."""
    file = run / "checkpoints" / "last.ckpt"
    states = WholeCheckpoints().load_checkpoint(file)["callbacks"]
    return any(isinstance(state, Mapping) and state.get("stopped_epoch", 0) for state in states.values())


def _stretch(cfg: TrainConfig, content: dict[str, Any], module: OreModule, steps: int, done: int) -> None:
    """Set the schedule of a checkpoint to where one of a run of `steps` steps is after `done` of them."""
    if not issubclass(find(cfg.schedule.get("_target_"), Schedule, LRScheduler), Schedule):
        return
    optimizer, scheduler = build_optimizer(cfg.optim, cfg.schedule, module.groups(), steps)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Detected call of `lr_scheduler.step\(\)`")
        for _ in range(done):
            scheduler.step()
    content["lr_schedulers"] = [scheduler.state_dict()]
    for old, new in zip(content["optimizer_states"][0]["param_groups"], optimizer.param_groups, strict=True):
        old.update({key: value for key, value in new.items() if key not in _OF_DEVICE})


def _told(cfg: TrainConfig, before: list[float], after: list[float]) -> str:
    name = str(cfg.schedule.get("_target_")).rpartition(".")[2]
    old, new = (", ".join(dict.fromkeys(f"{rate:.3g}" for rate in rates)) for rates in (before, after))
    whole_run = f"the schedule ({name}) goes on as in a run of {cfg.stretches[-1]} epochs"
    rate = f"the learning rate stays {new}" if old == new else f"the learning rate was {old} and is now {new}"
    return f"goes on after {counted(cfg.stretches[-2], 'epoch')} of {cfg.resume}; {whole_run}: {rate}"
