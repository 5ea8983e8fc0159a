"""Turn one of the paper's published weight files into a checkpoint, which `evaluate` and `sort` then take.

The published code decides by the likelier class, so the checkpoint's threshold is 0.5; `evaluate` and `sort` take
another as `threshold=`. Its images are those of `representation=standardized`, one channel of 40 x 40.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oresort.console.command import REQUIRED, run_command


@dataclass
class ImportConfig:
    """One import; `conf/import_weights.yaml` explains each key."""

    weights: str = REQUIRED
    out: str = REQUIRED
    representation: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)


def convert(cfg: ImportConfig) -> Path:
    """Write the checkpoint, whole or not at all, and return its path; InputError for weights of another network."""
    from oresort.data.datamodule import OreDataModule
    from oresort.learn.checkpoint import save
    from oresort.learn.module import OreModule
    from oresort.models.released import import_released, spec_of

    net = import_released(Path(cfg.weights))
    module = OreModule(model=spec_of(net), representation=cfg.representation, threshold=0.5)
    module.net.load_state_dict(net.state_dict())
    file = Path(cfg.out)
    save(file, module, OreDataModule("", cfg.representation, cfg.augment).hparams)  # evaluate brings the dataset
    count = sum(p.numel() for p in net.parameters())
    print(f"{file}: {count:,} parameters; measure it with evaluate ckpt={file} data.root=DIR")
    return file


def main() -> None:
    """Entry point of `python -m oresort.import_weights`."""
    run_command("import_weights", __doc__, ImportConfig, convert)


if __name__ == "__main__":
    main()
