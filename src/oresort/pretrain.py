"""Train a model's towers on pairs without labels, for a later start by `oresort.train weights=FOLDER`.

It takes the pairs of `manifest.csv`, whose labels it does not look at, and those of `unlabelled.csv`, which `prepare`
writes beside it; never those of the test split. Where you have none, simulate: pretraining on simulated labels is
plain `oresort.train` on a dataset of `oresort.simulate`.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oresort.console.command import run_command
from oresort.errors import InputError

if TYPE_CHECKING:
    from oresort.learn.pretrain import PretrainConfig


def _schema() -> type:
    from oresort.learn.pretrain import PretrainConfig
    from oresort.learn.sweep import register_resolvers

    register_resolvers()
    return PretrainConfig


def _run(cfg: "PretrainConfig") -> dict[str, Any]:
    from dataclasses import asdict

    from hydra.core.hydra_config import HydraConfig

    from oresort.console.compose import overrides
    from oresort.console.show import minutes
    from oresort.learn.pretrain import IDLE, pretrain
    from oresort.make import targets, trust
    from oresort.train import continued

    words = [word.lstrip("+") for word in overrides()]
    for word in words:
        if re.split(r"[=./]", word)[0] in IDLE:
            raise InputError(f"{word}: has no effect without labels; leave it out")
    trust(*targets(asdict(cfg)))  # what the command line or the user's own files name
    folder, row = Path(HydraConfig.get().runtime.output_dir), None
    if cfg.resume is not None:
        cfg, folder, row = continued(cfg)
    row = row or pretrain(cfg, folder)
    print(
        f"{cfg.name}, seed {cfg.seed}: {row['pairs/train']:,} pairs without labels, {row['epochs']} epochs, "
        f"least loss on validation pairs {row['monitor_value']:.4f}, {minutes(row.get('fit_seconds'))} min"
    )
    print(f"start from it: python -m oresort.train weights={folder} ...")
    return row


def main() -> None:
    """Entry point of `python -m oresort.pretrain`."""
    run_command("pretrain", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
