"""Train a model on a dataset of dual-energy pairs and leave a run folder.

A run that was killed goes on with `resume=FOLDER`, which takes everything else from that folder.
Results of several runs become one table with `python -m oresort.report`.
"""

from pathlib import Path
from typing import Any, cast

import pandas as pd
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from oresort.command import overrides, run_command, typed
from oresort.errors import InputError
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.metrics import METRICS
from oresort.learn.record import read_yaml
from oresort.learn.report import percent
from oresort.show import show


def resumed(folder: Path) -> TrainConfig:
    """Return the configuration that the run in `folder` was started with."""
    if not (folder / "checkpoints" / "last.ckpt").is_file():
        raise InputError(
            f"resume={folder}: no checkpoints/last.ckpt in it; no epoch was finished, start it again"
        )
    stored = read_yaml(folder / "config.yaml")
    cfg: TrainConfig = typed(cast("DictConfig", OmegaConf.merge(OmegaConf.structured(TrainConfig), stored)))
    return cfg


def _run(cfg: TrainConfig) -> dict[str, Any]:
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    if cfg.resume is not None:
        others = [word for word in overrides() if not word.lstrip("+").startswith("resume=")]
        if others:
            raise InputError(f"resume={cfg.resume}: the run keeps its own settings; leave out {others[0]}")
        folder = Path(cfg.resume)
        cfg = resumed(folder)
    if hydra.mode == RunMode.MULTIRUN and cfg.trainer.get("devices", 1) not in (1, "1"):
        # each child process would start the whole sweep again
        raise InputError("trainer.devices: a sweep trains each job on one device; set trainer.devices=1")
    row = train(cfg, folder)
    table = pd.DataFrame(
        [{"metric": m} | {s: percent(row[f"{s}/{m}"]) for s in ("val", "test")} for m in METRICS]
    )
    facts = (
        f"{row['params']:,} parameters",
        f"best of {row['epochs']} epochs: {row['epoch']} (counted from 0)",
        f"threshold {row['threshold']:.3f}",
        f"{row['fit_seconds'] / 60:.1f} min",
    )
    show(table, f"{cfg.name}, seed {cfg.seed}, in per cent: {', '.join(facts)}")
    print(f"run folder: {folder}")
    return row


def main() -> None:
    """Entry point of `python -m oresort.train`."""
    OmegaConf.register_new_resolver("first", lambda *v: next(x for x in v if x is not None), replace=True)
    run_command("train", TrainConfig, _run)


if __name__ == "__main__":
    main()
