"""Train a model on a dataset of dual-energy pairs and leave a run folder.

A run that was killed goes on with `resume=FOLDER`, which takes everything else from that folder.
`+experiment=NAME` runs a whole sweep, and the same command again only what is missing of it.
Results of several runs become one table with `python -m oresort.report`.
"""

import multiprocessing
import sys
import traceback
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from oresort.console.command import run_command
from oresort.errors import InputError, one_line

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from oresort.learn.config import TrainConfig

T = TypeVar("T", bound="TrainConfig")


def _schema() -> type:
    from oresort.learn.config import TrainConfig
    from oresort.learn.sweep import register_resolvers

    register_resolvers()
    return TrainConfig


def resumed(folder: Path, schema: "type[T]") -> "T":
    """Return the configuration, of a verb's `schema`, that the run in `folder` was started with."""
    from omegaconf import OmegaConf

    from oresort.console.compose import typed
    from oresort.files.record import read_yaml

    if (folder / "multirun.yaml").is_file():
        raise InputError(f"resume={folder}: a sweep's folder; start the sweep again by its own command")
    if not (folder / "checkpoints" / "last.ckpt").is_file():
        raise InputError(f"resume={folder}: no checkpoints/last.ckpt in it; no epoch was finished, start it again")
    stored = read_yaml(folder / "config.yaml")
    if ("pretext" in stored) != ("pretext" in schema.__dataclass_fields__):
        verb = "pretrain" if "pretext" in stored else "train"
        raise InputError(f"resume={folder}: a run of oresort.{verb}; go on by python -m oresort.{verb}")
    return cast("T", typed(cast("DictConfig", OmegaConf.merge(OmegaConf.structured(schema), stored))))


def _run(cfg: "TrainConfig") -> dict[str, Any]:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from oresort.console.compose import overrides
    from oresort.console.show import show_figures
    from oresort.learn.config import TrainConfig
    from oresort.learn.fit import train
    from oresort.learn.run import check_finished, finished
    from oresort.make import targets, trust

    hydra = HydraConfig.get()
    trust(*targets(asdict(cfg)))  # what the command line or the user's own files name
    if hydra.mode == RunMode.MULTIRUN:
        return _job(cfg, Path(hydra.sweep.dir))
    folder, row = Path(hydra.runtime.output_dir), None
    if cfg.at_once:
        return check_finished(_job(cfg, folder), folder)
    if cfg.resume is not None:
        others = [word for word in overrides() if not word.lstrip("+").startswith(("resume=", "modules="))]
        if others:
            raise InputError(f"resume={cfg.resume}: the run keeps its own settings; leave out {others[0]}")
        folder = Path(cfg.resume)
        cfg, row = resumed(folder, TrainConfig), finished(folder)
        if row:
            print(f"resume={folder}: finished earlier", file=sys.stderr)
    row = row or train(cfg, folder)
    if row:  # which a further process of distributed training has not
        title = (
            f"{cfg.name}, seed {cfg.seed}, in per cent: {row['params']:,} parameters, "
            f"best of {row['epochs']} epochs: {row['epoch']} (counted from 0), threshold {row['threshold']:.3f}, "
            f"{row['fit_seconds'] / 60:.1f} min"
        )
        show_figures(row, ("val", "test"), title)
        print(f"run folder: {folder}")
    return row


def _job(cfg: "TrainConfig", sweep: Path) -> dict[str, Any]:
    """Train a job of a sweep, or one a seed of `at_once`, unless finished; a failure is recorded, others go on."""
    from oresort.console.show import percent
    from oresort.learn.fit import data_module, train
    from oresort.learn.options import check_options
    from oresort.learn.run import finished, folder_name, record_failure
    from oresort.learn.start import pinned
    from oresort.learn.turns import beside, by_seed, in_turns

    if cfg.at_once:
        return in_turns({str(one.seed): partial(_job, one, sweep) for one in by_seed(cfg)})
    fold = "" if cfg.data.fold is None else f", fold {cfg.data.fold}"
    title, config = f"{cfg.row or cfg.name}{fold}, seed {cfg.seed}", asdict(cfg)
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
    print(f"{title}: test AUROC {percent(row['test/auroc'])} %, {row['fit_seconds'] / 60:.1f} min", file=sys.stderr)
    return row


def main() -> None:
    """Entry point of `python -m oresort.train`."""
    run_command("train", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
