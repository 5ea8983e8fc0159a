"""How many steps of a run are taken at once, see `oresort.learn.steps`; and why not, where they cannot be."""

import inspect
import sys
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint, ProgressBar
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from oresort.console.ranges import shown
from oresort.data.datamodule import OreDataModule
from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.learn.each_step import EachStep
from oresort.learn.module import OreModule
from oresort.learn.options import precision_of
from oresort.learn.schedule import Schedule
from oresort.learn.steps import Clip
from oresort.make import find, make

_WHOLE_EPOCH = 2**31 - 1
_HOOKS = [name for name in dir(Callback) if "batch" in name and "train" in name] + [
    name for name in dir(Callback) if name.endswith(("_zero_grad", "_backward", "_optimizer_step"))
]
"""What Lightning calls in every step."""

_FREE = {
    *(
        "accelerator",
        "devices",
        "precision",
        "deterministic",
        "benchmark",
        "inference_mode",
        "max_epochs",
        "min_epochs",
    ),
    *("check_val_every_n_epoch", "limit_val_batches", "log_every_n_steps", "enable_progress_bar"),
    *("enable_model_summary", "gradient_clip_val", "gradient_clip_algorithm", "limit_train_batches"),
}
"""Options of the trainer that blocks of steps keep to."""


def plan_steps(cfg: TrainConfig, module: OreModule, data: OreDataModule) -> dict[str, Any]:
    """Set `module` and `data` to take steps in blocks, or singly; return the trainer's options for it.

    `block=auto` means all steps of an epoch on a GPU where that can be, which is said on standard error where it cannot
    be, and single steps on a CPU.

    Raises:
        InputError: a number of steps that cannot be taken at once.
    """
    options = {**cfg.trainer, "precision": precision_of(cfg.trainer)}
    on_gpu = options.get("accelerator") in ("gpu", "cuda")
    module.automatic_optimization, module.clip, data.block = True, None, 0
    if cfg.block == 0 or (cfg.block == "auto" and not on_gpu):
        return options
    if why := _hindrance(cfg, module):
        if cfg.block != "auto":
            raise InputError(f"block={shown(cfg.block)}: {why}, or block=0")
        print(f"note: block=auto: steps are taken one by one; for blocks {why}", file=sys.stderr)
        return options
    module.automatic_optimization = False  # the module takes the steps
    data.block = _WHOLE_EPOCH if cfg.block == "auto" else int(cfg.block)
    data.block_limit = options.pop("limit_train_batches", None)
    kind = options.pop("gradient_clip_algorithm", None) or "norm"
    if most := options.pop("gradient_clip_val", None):
        module.clip = Clip(float(most), str(kind))
    return options


def _hindrance(cfg: TrainConfig, module: OreModule) -> str:
    """Say what to change so that steps can be taken in blocks; nothing if they can."""
    options = {**cfg.trainer, "precision": precision_of(cfg.trainer)}
    if type(module).training_step is not OreModule.training_step:
        return "train by oresort.train"
    if not cfg.data.resident:
        return "set data.resident=true"
    devices = options.get("devices", "auto")
    if devices not in (1, "1") and not (isinstance(devices, list) and len(devices) == 1):
        return "set trainer.devices=1"
    if options["precision"] not in ("32-true", "bf16-mixed", "32"):
        return "set trainer.precision to 32-true or bf16-mixed"
    known = inspect.signature(L.Trainer).parameters
    for key, value in options.items():
        if key not in _FREE and value != known[key].default and (key, value) != ("accumulate_grad_batches", 1):
            return f"leave out trainer.{key}={shown(value)}"
    if issubclass(find(cfg.schedule.get("_target_"), Schedule, LRScheduler), ReduceLROnPlateau):
        return "choose a schedule that does not wait for validations"
    for name, spec in cfg.callbacks.items():
        if hook := _watches(make(spec, Callback)):
            return f"leave out callbacks=[{name}], whose {hook} wants every step"
    return ""


def _watches(callback: Callback) -> str:
    """Return a hook by which a callback wants to see every step; nothing if it has none."""
    if isinstance(callback, EachStep | ProgressBar):
        return ""
    if isinstance(callback, ModelCheckpoint):  # its own hook looks at these alone
        stepwise = callback._every_n_train_steps > 0 or callback._train_time_interval is not None
        return "every_n_train_steps or train_time_interval" if stepwise else ""
    if isinstance(callback, LearningRateMonitor) and callback.logging_interval == "epoch":
        return ""
    return next((hook for hook in _HOOKS if getattr(type(callback), hook) is not getattr(Callback, hook)), "")
