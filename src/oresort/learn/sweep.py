"""Sweeps of `oresort.train`: what is going to run, and what each job came to."""

import math
import sys
import time
from pathlib import Path
from typing import Any, cast

import pandas as pd
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from oresort.console import started
from oresort.console.counted import counted
from oresort.console.show import minutes, percent, show
from oresort.errors import InputError, one_line
from oresort.learn.naming import named_by, short_keys
from oresort.learn.record import RECORD, read_row
from oresort.learn.run import differing
from oresort.learn.score import best_way, check_score, score_of
from oresort.sorting import direction


def register_resolvers() -> None:
    """Teach OmegaConf the words of `conf/`: `class` of a target, `direction` of a metric, `fold` in a run's name."""
    OmegaConf.register_new_resolver("direction", direction, replace=True)
    OmegaConf.register_new_resolver("fold", lambda fold: "" if fold is None else f"-f{fold}", replace=True)
    OmegaConf.register_new_resolver("class", lambda target: target.rpartition(".")[2], replace=True)


def moved(config: DictConfig) -> dict[str, Override]:
    """Return the words that a sweep moves a key by, by key, lists of values and spaces to search in.

    The words of the command line replace those of the experiment key by key, as Hydra does it.
    """
    words = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    found = {word.get_key_element(): word for word in parser.parse_overrides([*words, *config.hydra.overrides.task])}
    return {key: word for key, word in found.items() if word.is_sweep_override()}


def swept(config: DictConfig) -> dict[str, list[str]]:
    """Return the values of every key that a sweep moves through a list, by key."""
    words = ((key, word) for key, word in moved(config).items() if word.is_discrete_sweep())
    return {key: [str(value) for value in word.sweep_string_iterator()] for key, word in words}


def title_of_job(row: str, name: str, fold: int | None, seed: int) -> str:
    """Return what the job at work is called: its row, or else its name and what its sweep moves, then fold and seed."""
    title = row or ", ".join([name, *_values(HydraConfig.get())])
    return f"{title}{'' if fold is None else f', fold {fold}'}, seed {seed}"


def _values(job: HydraConf) -> list[str]:
    """Return the values of a job that its sweep moves, such as `lr 0.01`, but for fold and seed; none of no sweep."""
    file = Path(job.sweep.dir) / "multirun.yaml"
    if not file.is_file():
        return []
    keys = moved(cast("DictConfig", OmegaConf.load(file))).keys() - {"seed", "data.fold"}
    words = OverridesParser.create().parse_overrides(job.overrides.task)
    chosen = ((word.get_key_element(), word.get_value_string()) for word in words)
    own = {key.replace("/", "."): value for key, value in chosen if key in keys}  # `model/fusion` is a `fusion`, too
    return [f"{short} {own[key]}" for key, short in short_keys([*own]).items()]


class Sweep(Callback):
    """Says what a sweep is going to do, and at its end what each job came to; conf/train.yaml names it."""

    def __init__(self) -> None:
        self.started = time.time()

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Print how many jobs there are of what, and how many lie there finished; exit with 1 for a wrong search."""
        _check(config)
        folder, sweeper = Path(config.hydra.sweep.dir), config.hydra.sweeper
        if str(sweeper.get("_target_")).endswith(".BasicSweeper"):
            keys = {key: ",".join(values) for key, values in swept(config).items()}
            if config.at_once:
                keys["at_once"] = ",".join(str(seed) for seed in config.at_once)
            jobs = counted(math.prod(value.count(",") + 1 for value in keys.values()), "job")
        else:  # it chooses as it goes
            keys = {key: str(word.input_line).partition("=")[2] for key, word in moved(config).items()}
            trials = sweeper.get("n_trials")
            jobs = counted(trials, "trial") if isinstance(trials, int) else "As many jobs as the sweeper chooses"
        done = sum(row["status"] == "finished" for row in _rows(folder))
        parts = " x ".join(f"{key}={values}" for key, values in keys.items())
        print(f"{jobs} in {folder} ({done} finished earlier): {parts}", file=sys.stderr)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Print what became of every run, and how to make the table; exit with 1 where jobs have no result.

        A search shows what it searched by, best first, and not the test; of it, it is enough that one trial has ended.
        """
        folder, score = Path(config.hydra.sweep.dir), config.score
        rows = _rows(folder)
        # what an earlier sweep left unfinished is shown, and no failure of this one
        missing = sum(row["status"] != "finished" and row["modified"] >= self.started - 2 for row in rows)
        without = f"{counted(missing, 'job')} without a result"
        if score is not None:
            rows.sort(key=lambda row: _rank(row, score))
        lines = [
            {
                "row": name,
                "seed": row["seed"],
                "status": row["status"],
                **({"test AUROC, %": percent(row.get("test/auroc"))} if score is None else {score: _shown(row, score)}),
                "minutes": minutes(row.get("fit_seconds")),
                "folder": row["folder"],
                "error": row.get("error", ""),
            }
            for row, name in zip(rows, _names(rows), strict=True)
        ]
        table = pd.DataFrame(lines)
        if lines and not table["error"].any():
            table = table.drop(columns="error")
        show(table, f"{folder}: {counted(len(rows), 'run')}, {without}")
        print(f"python -m oresort.report runs={folder}", file=sys.stderr)
        if missing and (score is None or missing == len(rows)):
            print(f"error: {without}, see the table; the same command runs only what is missing", file=sys.stderr)
            sys.exit(1)


def _check(config: DictConfig) -> None:
    try:
        check_score(config.score, str(config.monitor), config.hydra.sweeper)
    except InputError as error:  # Hydra makes warnings of what its callbacks raise, but for this
        started.undo()
        print(f"error: {one_line(error)}", file=sys.stderr)
        sys.exit(1)


def _rank(row: dict[str, Any], score: str) -> float:
    value = score_of([row], score)
    return math.inf if math.isnan(value) else value if best_way(score) == "min" else -value


def _shown(row: dict[str, Any], score: str) -> str:
    value = score_of([row], score)
    return "-" if math.isnan(value) else f"{value:.6g}"


def _names(rows: list[dict[str, Any]]) -> list[str]:
    """Return what runs are called: as their experiment does, and by the keys that tell apart those it calls alike."""
    titles = [row.get("config.row") or "" for row in rows]
    found = list(titles)
    for title in set(titles):
        own = [place for place, other in enumerate(titles) if other == title]
        keys = differing([rows[place] for place in own])
        told = [{key.removeprefix("config."): rows[i][key] for key in keys if key in rows[i]} for i in own]
        names, _ = named_by(
            [{**row, "name": title or rows[i]["name"]} for row, i in zip(told, own, strict=True)],
            [key.removeprefix("config.") for key in keys],
        )
        for place, name in zip(own, names, strict=True):
            found[place] = f"{title}, {name}" if title and name != title else name
    return found


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [
        {"folder": file.parent.name, "modified": file.stat().st_mtime, **read_row(file)}
        for file in sorted(folder.glob(f"*/{RECORD}"))
    ]
