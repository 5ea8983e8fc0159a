"""What a run may ask of its trainer, optimiser and schedule: checked before any pair is read."""

import difflib
import inspect
import math
import os
from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from torch import nn

from oresort.console.check import misfit
from oresort.console.ranges import number, shown, whole
from oresort.errors import InputError
from oresort.learn.config import TrainConfig, model_spec
from oresort.learn.schedule import build_optimizer
from oresort.learn.start import check_start
from oresort.make import make
from oresort.models.build import build_model
from oresort.models.fits import check_fit
from oresort.paths import choices
from oresort.represent.representation import Representation
from oresort.sorting import METRICS, direction

_OURS = {
    "callbacks": "is set by the group callbacks, as callbacks=[ema]",
    "logger": "is set by the group logger, as logger=[tensorboard]",
    "default_root_dir": "is set by out=DIR",
    "reload_dataloaders_every_n_epochs": "is set by this package, once an epoch",
    "num_sanity_val_steps": "is set by this package, none",
    "val_check_interval": "is once an epoch; trainer.check_val_every_n_epoch makes it rarer",
    "limit_test_batches": "has no effect; a run is tested once, on all test pairs",
    "limit_predict_batches": "has no effect; evaluate and sort predict",
    "enable_checkpointing": "is always on; a run is its checkpoints",
    "fast_dev_run": "keeps no checkpoint; trainer=smoke runs two batches",
    "barebones": "keeps no checkpoint and no figures; trainer=smoke runs two batches",
    "plugins": "is set by this package, for checkpoints",
    "model_registry": "has no effect without Lightning's own service",
}
"""Options of Lightning's trainer that are not the user's, and why."""

_FINDERS = ("LearningRateFinder", "BatchSizeScaler", "BatchSizeFinder")
_FOUND = "a setting that the run's record has otherwise"
"""Why Lightning's callbacks that choose settings by themselves are refused."""

_LIMIT = "give a number of batches of at least 1, or a share above 0 and at most 1.0"
_RANGES: Mapping[str, Any] = {
    # Lightning reads null as 1,000 and -1 as for ever, and a schedule needs an end
    "max_epochs": whole(1),
    "min_epochs": whole(0),
    "min_steps": whole(0),
    "num_nodes": whole(1),
    "accumulate_grad_batches": whole(1),
    "check_val_every_n_epoch": whole(1),
    "log_every_n_steps": whole(0),
    "gradient_clip_val": number(0),
}
_NEEDED = ("max_epochs", "num_nodes", "accumulate_grad_batches", "check_val_every_n_epoch")
_LAUNCHERS = ("SLURM_JOB_ID", "TORCHELASTIC_RUN_ID", "MASTER_ADDR")  # in the environment of a process on each node


def check_options(cfg: TrainConfig) -> None:
    """Refuse what a run asks of its trainer, optimiser or schedule and cannot have.

    Raises:
        InputError: an option that is unknown, out of its range or not the user's, no epoch that would be validated, a
            device that is not here, a model whose parts do not fit, or what `build_optimizer` refuses.
    """
    known = inspect.signature(L.Trainer).parameters
    for key, value in cfg.trainer.items():
        name = f"trainer.{key}={shown(value)}"
        if key not in known:
            near = [most] if (most := f"max_{key}") in known else difflib.get_close_matches(key, known, n=1)
            guess = f"did you mean trainer.{near[0]}? " if near else ""
            raise InputError(f"trainer.{key}: no such option of lightning.Trainer; {guess}known are {', '.join(known)}")
        default = known[key].default
        if key != "max_epochs" and type(value) is type(default) and value == default:
            continue
        if (key, value) == ("precision", "auto"):
            continue  # see `precision_of`
        if key in _OURS:
            raise InputError(f"trainer.{key}: {_OURS[key]}")
        rule = _RANGES.get(key)
        if rule is not None and not rule.allows(value) and (value is not None or key in _NEEDED):
            raise InputError(f"{name}: {rule}")
        if wrong := misfit(value, known[key].annotation):
            raise InputError(f"{name}: {wrong}")
        if key in ("limit_train_batches", "limit_val_batches") and not _batches(value):
            raise InputError(f"{name}: {_LIMIT}")
    check_start(cfg)
    _check_stretches(cfg)
    _check_parts(cfg)
    _check_course(cfg.trainer, cfg.monitor)
    _check_devices(cfg.trainer)
    representation = make(cfg.representation, Representation)  # type: ignore[type-abstract]
    check_fit(build_model(model_spec(cfg, representation.channels)), representation.channels, representation.size)
    # as it will be built, on a weight that stands for all
    build_optimizer(cfg.optim, cfg.schedule, [nn.Parameter(torch.zeros(2, 2))], steps=100)


def _check_stretches(cfg: TrainConfig) -> None:
    """Refuse parts of a run that goes on from no other, or that end elsewhere than the run; see `longer.lengthened`."""
    word = f"stretches={shown(cfg.stretches)}"
    if cfg.stretches and cfg.resume is None:
        raise InputError(f"{word}: is noted by resume=RUN trainer.max_epochs=N; leave it out")
    if cfg.stretches and cfg.stretches[-1] != cfg.trainer.get("max_epochs"):
        raise InputError(f"{word}: ends elsewhere than trainer.max_epochs={shown(cfg.trainer.get('max_epochs'))}")


def _check_parts(cfg: TrainConfig) -> None:
    """Refuse callbacks and loggers that are not chosen, and callbacks that watch what no epoch logs."""
    logged = {f"{side}/{name}" for side in ("train", "val") for name in (*METRICS, "loss")} | {"lr", "auroc"}
    for group in ("callbacks", "logger"):
        for name, spec in getattr(cfg, group).items():
            key = f"{group}.{name}"
            if not isinstance(spec, Mapping):
                known = choices(group)
                raise InputError(f"{key}={spec}: a setting stands below the name of one of {', '.join(known)}, "
                                 f"such as {group}.{known[-1]}.{name}={spec}")  # fmt: skip
            if "_target_" not in spec:
                raise InputError(f"{key}: is not chosen; add {group}=[{name}], known are {', '.join(choices(group))}")
            if str(spec.get("_target_") if isinstance(spec, Mapping) else "").endswith(_FINDERS):
                raise InputError(f"{key}: changes {_FOUND}; search instead: -m hydra/sweeper=optuna score=val/auroc")
            # a callback of the user's may log what it watches
            watched = spec.get("monitor")
            lightnings = watched and str(spec["_target_"]).startswith("lightning.")
            if lightnings and watched not in logged:
                raise InputError(f"{key}.monitor={watched}: no epoch logs it; known are {', '.join(sorted(logged))}")


def _batches(value: object) -> bool:
    if isinstance(value, float):
        return 0 < value <= 1
    return value is None or (isinstance(value, int) and value >= 1)


def _check_course(options: Mapping[str, Any], monitor: str) -> None:
    """Refuse a run without an epoch that is trained to its end and validated: it would have no best one."""
    epochs = options.get("max_epochs")
    if epochs is None:
        raise InputError("trainer.max_epochs=null: give a whole number of at least 1")
    every = options.get("check_val_every_n_epoch", 1)
    if every > epochs:
        raise InputError(
            f"trainer.check_val_every_n_epoch={every}: no validation in {epochs} epochs, so no best one by "
            f"val/{monitor} ({direction(monitor)}); give at most {epochs}"
        )
    steps = options.get("max_steps", -1)
    if steps != -1 and not whole(1).allows(steps):
        raise InputError(f"trainer.max_steps={steps}: {whole(1)}, or -1 for all of max_epochs")


def _check_devices(options: Mapping[str, Any]) -> None:
    devices, accelerator = options.get("devices", "auto"), options.get("accelerator", "auto")
    listed = devices if isinstance(devices, list) else [devices]
    if not listed or any(isinstance(one, int) and one < (0 if listed is devices else -1) for one in listed):
        raise InputError(f"trainer.devices={shown(devices)}: give a number of at least 1, -1 for all, or a list as [0]")
    if devices in (0, "0"):
        raise InputError(f"trainer.devices={devices}: give a number of at least 1, -1 for all, or a list as [0]")
    if any(part in str(options.get("strategy")) for part in ("spawn", "fork", "notebook")):
        raise InputError(f"trainer.strategy={options['strategy']}: processes must begin anew; use trainer.strategy=ddp")
    if options.get("num_nodes", 1) > 1 and not any(name in os.environ for name in _LAUNCHERS):
        raise InputError(
            f"trainer.num_nodes={options['num_nodes']}: would wait for the others for ever; "
            "start it on each by srun or torchrun"
        )
    if accelerator in ("gpu", "cuda") and not torch.cuda.is_available() and not torch.backends.mps.is_available():
        raise InputError(
            f"trainer.accelerator={accelerator}: torch {torch.__version__} sees no GPU here; use trainer=cpu, "
            "or a machine and a torch with CUDA"
        )

    if accelerator in ("gpu", "cuda") and "bf16" in str(options.get("precision")) and not _has_bf16():
        raise InputError(
            f"trainer.precision={options['precision']}: {torch.cuda.get_device_name()} has no bfloat16; "
            "use trainer.precision=32-true"
        )


def _has_bf16() -> bool:
    # what a card without it emulates is slower than float32
    return not torch.cuda.is_available() or torch.cuda.is_bf16_supported(including_emulation=False)


def precision_of(options: Mapping[str, Any]) -> str:
    """Return the precision that `auto` stands for on this machine, or the one that is named."""
    if (named := str(options.get("precision", "32-true"))) != "auto":
        return named
    fast = options.get("accelerator") in ("gpu", "cuda") and torch.cuda.is_available() and _has_bf16()
    return "bf16-mixed" if fast else "32-true"


def check_steps(limit: int, batches: float, accumulated: int) -> None:
    """Refuse a limit of steps that ends a run within its first epoch of `batches`, before any validation."""
    needed = math.ceil(batches / accumulated)
    if 0 < limit < needed:
        raise InputError(
            f"trainer.max_steps={limit}: ends before the first validation, after {needed} steps; "
            f"give at least {needed}, or for a trial trainer.limit_train_batches={limit * accumulated}"
        )
