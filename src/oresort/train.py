"""Train a model on a dataset of dual-energy pairs and leave a run folder.

A run that was killed goes on with `resume=FOLDER`, which takes everything else from that folder. With
`trainer.max_epochs=N` beside it, a finished one becomes a longer run in a folder of its own.
`+experiment=NAME` runs a whole sweep, and the same command again only what is missing of it.
Results of several runs become one table with `python -m oresort.report`.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from oresort.console.command import run_command
from oresort.errors import InputError

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


def continued(cfg: T) -> "tuple[T, Path, dict[str, Any] | None]":
    """Return what `resume=` stands for: configuration, folder, and the row of the run that lies there finished, if any.

    With more epochs than the run has, that is a longer run, in `out=DIR` or beside it.

    Raises:
        InputError: no run to go on with, or a word beside it that would change it.
    """
    from oresort.console import started
    from oresort.console.compose import overrides
    from oresort.learn.longer import lengthened, place_of
    from oresort.learn.run import check_same, finished

    folder = Path(str(cfg.resume))
    words = [word.lstrip("+") for word in overrides()]
    more = any(word.startswith("trainer.max_epochs=") for word in words)
    free = ("resume=", "modules=", *(("trainer.max_epochs=", "out=") if more else ()))
    if others := [word for word in words if not word.startswith(free)]:
        raise InputError(f"resume={cfg.resume}: the run keeps its own settings; leave out {others[0]}")
    stored = resumed(folder, type(cfg))
    if more:
        stored, notes = lengthened(stored, folder, cfg.trainer.get("max_epochs"))
        print(*notes, sep="\n", end="\n" if notes else "", file=sys.stderr)
        folder = Path(cfg.out) if cfg.out else place_of(folder, stored)
        started.make(folder)
    if row := finished(folder):
        if more:
            check_same(folder, asdict(stored))
        print(f"resume={cfg.resume}: finished earlier{f', in {folder}' if more else ''}", file=sys.stderr)
    return stored, folder, row


def _run(cfg: "TrainConfig") -> dict[str, Any] | float:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from oresort.console.show import minutes, show_figures
    from oresort.learn.fit import train
    from oresort.learn.job import run_job
    from oresort.learn.run import check_finished
    from oresort.learn.score import score_of
    from oresort.make import targets, trust

    hydra = HydraConfig.get()
    trust(*targets(asdict(cfg)))  # what the command line or the user's own files name
    if hydra.mode == RunMode.MULTIRUN:
        if cfg.resume is not None:
            raise InputError(f"resume={cfg.resume}: goes on with one run; leave out -m, and what is swept")
        done = run_job(cfg, Path(hydra.sweep.dir))
        return done if cfg.score is None else score_of(done.values() if cfg.at_once else [done], cfg.score)
    folder, row = Path(hydra.runtime.output_dir), None
    if cfg.resume is not None:
        cfg, folder, row = continued(cfg)
    if cfg.at_once:
        return check_finished(run_job(cfg, folder), folder)
    row = row or train(cfg, folder)
    if row:  # which a further process of distributed training has not
        title = (
            f"{cfg.name}, seed {cfg.seed}, in per cent: {row['params']:,} parameters, "
            f"best of {row['epochs']} epochs: {row['epoch']} (counted from 0), threshold {row['threshold']:.3f}, "
            f"{minutes(row.get('fit_seconds'))} min"
        )
        show_figures(row, ("val", "test"), title)
        print(f"run folder: {folder}")
    return row


def main() -> None:
    """Entry point of `python -m oresort.train`."""
    run_command("train", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
