"""Sweeps of `oresort.train`: where each job's run lies, what is planned, and what became of it."""

import copy
import hashlib
import json
import re
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from oresort.console.command import typed
from oresort.console.show import show
from oresort.errors import InputError
from oresort.files.record import read_row
from oresort.learn.config import TrainConfig
from oresort.learn.fit import data_module
from oresort.tables.collect import percent

_NOT_CONFIGURATION = ("out", "resume", "logger")
_NOT_DATA = ("workers", "cache")


class Job(NamedTuple):
    """One job of a sweep: the folder of its run, and what it is called."""

    folder: Path
    row: str
    seed: int


def run_folder(cfg: TrainConfig, known: dict[str, str] | None = None) -> str:
    """Return the name of a job's folder: row, seed, and a hash of all that its result depends on.

    Of the dataset that is which pairs it holds, in which split, not where it lies; `known` spares reading one
    twice.
    """
    content = {key: value for key, value in asdict(cfg).items() if key not in _NOT_CONFIGURATION}
    data = {key: value for key, value in content["data"].items() if key not in _NOT_DATA}
    known = {} if known is None else known
    wanted = json.dumps(data, sort_keys=True)
    if wanted not in known:
        known[wanted] = _pairs(cfg)
    content["data"] = data | {"root": known[wanted]}
    content["trainer"] = {k: v for k, v in content["trainer"].items() if not k.startswith("enable_")}
    digest = hashlib.blake2b(json.dumps(content, sort_keys=True, default=str).encode(), digest_size=4)
    row = re.sub(r"[^a-z0-9]+", "-", (cfg.row or cfg.name).lower()).strip("-")
    return f"{row}-s{cfg.seed}-{digest.hexdigest()}"


def _pairs(cfg: TrainConfig) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of leakage the job itself warns
        try:
            return data_module(cfg).fingerprint()
        except InputError:
            return cfg.data.root  # the job will say what is wrong


def _without_hydra(config: DictConfig) -> TrainConfig:
    bare = copy.deepcopy(config)
    with read_write(bare), open_dict(bare):
        del bare["hydra"]
    cfg: TrainConfig = typed(bare)
    return cfg


def register_resolvers() -> None:
    """Teach OmegaConf the words of `conf/train.yaml`: `first`, `class` and `run_folder`."""

    def first(*values: Any) -> Any:
        return next(value for value in values if value is not None)

    def last_part(target: str) -> str:
        return target.rpartition(".")[2]

    def folder(_root_: DictConfig) -> str:
        return run_folder(_without_hydra(_root_))

    OmegaConf.register_new_resolver("first", first, replace=True)
    OmegaConf.register_new_resolver("class", last_part, replace=True)
    OmegaConf.register_new_resolver("run_folder", folder, replace=True)


def job_words(config: DictConfig) -> list[list[str]]:
    """Return the `key=value` words of every job of a sweep, given its composed configuration with `hydra`.

    The words of the command line replace those of the experiment key by key, as in Hydra's basic sweeper; of
    another sweeper, which chooses as it goes, none are known beforehand.
    """
    if not config.hydra.sweeper["_target_"].endswith(BasicSweeper.__name__):
        return []
    words = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    loader = GlobalHydra.instance().config_loader()
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(
        [*words, *config.hydra.overrides.task]
    )
    return BasicSweeper.split_arguments(parsed, None)[0]


def plan(config: DictConfig) -> list[Job]:
    """Compose every job of a sweep, which also finds a row that cannot be composed before any has run."""
    loader = GlobalHydra.instance().config_loader()
    jobs, known = [], {}  # type: list[Job], dict[str, str]
    for words in job_words(config):
        cfg = _without_hydra(loader.load_sweep_config(config, words))
        jobs.append(Job(Path(config.hydra.sweep.dir) / run_folder(cfg, known), cfg.row or cfg.name, cfg.seed))
    return jobs


class Sweep(Callback):
    """Says what a sweep is going to do, and at its end what each job came to; conf/train.yaml names it."""

    failed = 0
    """Jobs of the last sweep in this process that have no finished run."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Print the plan."""
        jobs = plan(config)
        rows = list(dict.fromkeys(job.row for job in jobs))
        done = sum(_status(job)["status"] == "finished" for job in jobs)
        print(
            f"{_count(len(jobs), 'job')}: {_count(len(rows), 'row')} x "
            f"{_count(len({job.seed for job in jobs}), 'seed')} in {config.hydra.sweep.dir}; "
            f"{done} finished earlier, {len(jobs) - done} to run",
            file=sys.stderr,
        )

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Print what became of every job, and how to make the table."""
        lines = []
        for job in plan(config):
            row = _status(job)
            minutes = row.get("fit_seconds")
            lines.append(
                {
                    "row": job.row, "seed": job.seed, "status": row["status"],
                    "test AUROC, %": percent(row.get("test/auroc")),
                    "minutes": "-" if minutes is None else f"{minutes / 60:.1f}",
                    "folder": job.folder.name, "error": row.get("error", ""),
                }
            )  # fmt: skip
        Sweep.failed = sum(line["status"] != "finished" for line in lines)
        table = pd.DataFrame(lines)
        if not Sweep.failed:
            table = table.drop(columns="error")
        show(table, f"{config.hydra.sweep.dir}: {_count(len(lines), 'job')}, {Sweep.failed} without a result")
        print(f"python -m oresort.report runs={config.hydra.sweep.dir}", file=sys.stderr)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _status(job: Job) -> dict[str, Any]:
    file = job.folder / "metrics.json"
    return read_row(file) if file.is_file() else {"status": "not started"}


def check_sweep() -> None:
    """Raise an InputError if the sweep that this process ran left jobs without a result."""
    if Sweep.failed:
        raise InputError(
            f"{_count(Sweep.failed, 'job')} without a result, see the table; "
            "the same command runs only what is missing"
        )
