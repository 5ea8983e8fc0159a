"""Sweeps of `oresort.train`: what is going to run, and what each job came to."""

import math
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from oresort.console.counted import counted
from oresort.console.show import percent, show
from oresort.learn.record import RECORD, read_row
from oresort.learn.run import differing
from oresort.sorting import direction


def register_resolvers() -> None:
    """Teach OmegaConf the words of `conf/`: `class` of a target, `direction` of a metric."""
    OmegaConf.register_new_resolver("direction", direction, replace=True)
    OmegaConf.register_new_resolver("class", lambda target: target.rpartition(".")[2], replace=True)


def swept(config: DictConfig) -> dict[str, list[str]]:
    """Return the values of every key that a sweep moves, by key; of keys without a list of values, none.

    The words of the command line replace those of the experiment key by key, as Hydra does it.
    """
    words = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    found: dict[str, list[str]] = {}
    for word in parser.parse_overrides([*words, *config.hydra.overrides.task]):
        key = word.get_key_element()
        found.pop(key, None)
        if word.is_discrete_sweep():
            found[key] = [str(value) for value in word.sweep_string_iterator()]
    return found


class Sweep(Callback):
    """Says what a sweep is going to do, and at its end what each job came to; conf/train.yaml names it."""

    def __init__(self) -> None:
        self.started = time.time()

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Print how many jobs there are of what, and how many runs lie there finished."""
        keys, folder = swept(config), Path(config.hydra.sweep.dir)
        if config.at_once:
            keys["at_once"] = [str(seed) for seed in config.at_once]
        jobs = counted(math.prod(map(len, keys.values())), "job")
        done = sum(row["status"] == "finished" for row in _rows(folder))
        parts = " x ".join(f"{key}={','.join(values)}" for key, values in keys.items())
        print(f"{jobs} in {folder} ({done} finished earlier): {parts}", file=sys.stderr)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Print what became of every run, and how to make the table; exit with 1 where jobs have no result."""
        folder = Path(config.hydra.sweep.dir)
        rows = _rows(folder)
        # what an earlier sweep left unfinished is shown, and no failure of this one
        missing = sum(row["status"] != "finished" and row["modified"] >= self.started - 2 for row in rows)
        without = f"{counted(missing, 'job')} without a result"
        keys = differing(rows)
        lines = [
            {
                "row": _named(row)
                or ", ".join([row["name"], *(f"{key.removeprefix('config.')}={row.get(key)}" for key in keys)]),
                "seed": row["seed"],
                "status": row["status"],
                "test AUROC, %": percent(row.get("test/auroc")),
                "minutes": f"{row['fit_seconds'] / 60:.1f}" if "fit_seconds" in row else "-",
                "folder": row["folder"],
                "error": row.get("error", ""),
            }
            for row in rows
        ]
        table = pd.DataFrame(lines)
        if lines and not table["error"].any():
            table = table.drop(columns="error")
        show(table, f"{folder}: {counted(len(rows), 'run')}, {without}")
        print(f"python -m oresort.report runs={folder}", file=sys.stderr)
        if missing:
            print(f"error: {without}, see the table; the same command runs only what is missing", file=sys.stderr)
            sys.exit(1)


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [
        {"folder": file.parent.name, "modified": file.stat().st_mtime, **read_row(file)}
        for file in sorted(folder.glob(f"*/{RECORD}"))
    ]


def _named(row: dict[str, Any]) -> str:
    """Return what an experiment calls a run, and which fold it tests; nothing for a plain one, named by its keys."""
    name, fold = row.get("config.row") or "", row.get("config.data.fold")
    return f"{name}, fold {fold}" if name and fold is not None else name
