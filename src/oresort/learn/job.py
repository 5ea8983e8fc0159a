"""One job of a sweep: trained in the folder that its configuration names, unless it lies there finished."""

import multiprocessing
import sys
import traceback
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from oresort.console.show import minutes, percent
from oresort.errors import InputError, one_line
from oresort.learn.config import TrainConfig
from oresort.learn.fit import data_module, train
from oresort.learn.options import check_options
from oresort.learn.run import finished, folder_name, record_failure
from oresort.learn.score import score_of
from oresort.learn.start import pinned
from oresort.learn.sweep import title_of_job
from oresort.learn.turns import beside, by_seed, in_turns


def run_job(cfg: TrainConfig, sweep: Path) -> dict[str, Any]:
    """Train a job of a sweep, or one a seed of `at_once`, unless finished; a failure is recorded, others go on.

    Returns the run's row, or with `at_once` the rows by seed.
    """
    if cfg.at_once:
        return in_turns({str(one.seed): partial(run_job, one, sweep) for one in by_seed(cfg)})
    title, config = title_of_job(cfg.row, cfg.name, cfg.data.fold, cfg.seed), asdict(cfg)
    folder = sweep / folder_name(config, cfg.data.root)  # while the pairs are not known
    if multiprocessing.current_process().name != "MainProcess" or beside() > 1:
        cfg.trainer["enable_progress_bar"] = False  # bars of several trainings would overwrite each other
    try:
        if cfg.trainer.get("devices", 1) not in (1, "1"):
            # each child process would start the whole sweep again
            raise InputError("trainer.devices: a sweep trains each job on one device; set trainer.devices=1")
        check_options(cfg)  # before the pairs are read
        cfg = pinned(cfg)
        config = asdict(cfg)
        data = data_module(cfg)
        folder = sweep / folder_name(config, data.fingerprint())
        if row := finished(folder):
            print(f"{title}: finished earlier", file=sys.stderr)
            return row
        row = train(cfg, folder, data)
    except Exception as error:
        if not isinstance(error, InputError):
            traceback.print_exc()  # a defect of ours
        print(f"{title}: failed: {one_line(error)}", file=sys.stderr)
        return record_failure(folder, config, error)
    figure = f"test AUROC {percent(row['test/auroc'])} %"
    if cfg.score is not None:  # whoever searches shall not look at the test
        figure = f"{cfg.score} {score_of([row], cfg.score):.6g}"
    print(f"{title}: {figure}, {minutes(row.get('fit_seconds'))} min", file=sys.stderr)
    return row
