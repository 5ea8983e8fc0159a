"""Simulate a dataset or raw scans, with exact ground truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oresort.console.command import REQUIRED, run_command
from oresort.errors import InputError


@dataclass
class SimulateConfig:
    """What to simulate; every key is explained in `conf/simulate.yaml`."""

    out: str = REQUIRED
    pairs: int = 0
    scans: int = 0
    seed: int = 0
    kvp: float = 160.0
    labels: str = "batch"
    wrong: float = 0.08
    cutoff: float = 0.10
    assay_noise: float = 0.10
    mineralised: float = 0.50
    association: float = 0.8
    particles: int = 30
    background: str = "zero"
    workers: int = 2
    overwrite: bool = False


def simulate(cfg: SimulateConfig) -> dict[str, Any]:
    """Write what was asked for into `cfg.out` and return a summary; InputError for anything impossible."""
    from oresort.belt import write_pairs, write_scans
    from oresort.belt.plan import Labelling
    from oresort.belt.sorter import check_voltage
    from oresort.files.dataset import write_dataset
    from oresort.files.layout import SPLITS
    from oresort.files.write import new_folder

    _check(cfg)
    check_voltage(cfg.kvp)
    labelling = Labelling(cfg.labels, cfg.wrong, cfg.cutoff, cfg.assay_noise, cfg.mineralised)
    summary: dict[str, Any] = {"out": cfg.out}
    with new_folder(Path(cfg.out), cfg.overwrite) as folder:
        if cfg.pairs:
            manifest = write_pairs(
                folder, cfg.pairs, cfg.seed, labelling, cfg.association, cfg.kvp, cfg.background, cfg.workers
            )
            for split in SPLITS:
                labels = manifest.label[manifest.split == split]
                summary[split] = f"{len(labels)} pairs, {int((labels == 'ore').sum())} ore"
        if cfg.scans:
            truth = write_scans(folder, cfg.scans, cfg.seed, cfg.particles, cfg.association, cfg.kvp, cfg.workers)
            summary["scans"] = f"{cfg.scans} scans, {len(truth)} particles"
            if not cfg.pairs:
                write_dataset(folder, "oresort.simulate", None)
    for name, value in summary.items():
        print(f"{name:>6}: {value}")
    return summary


def _check(cfg: SimulateConfig) -> None:
    if cfg.pairs < 0 or cfg.scans < 0 or cfg.pairs + cfg.scans < 1:
        raise InputError(f"pairs={cfg.pairs} scans={cfg.scans}: ask for at least one, as pairs=4000 or scans=2")
    for name, least in (("particles", 1), ("workers", 1), ("seed", 0)):
        if getattr(cfg, name) < least:
            raise InputError(f"{name}={getattr(cfg, name)}: must be at least {least}")
    if not 0 <= cfg.association <= 1:
        raise InputError(f"association={cfg.association:g}: choose from 0 (hardest) to 1")
    if cfg.background not in ("zero", "air"):
        raise InputError(f"background={cfg.background!r} is unknown; choose zero or air")


def main() -> None:
    """Entry point of `python -m oresort.simulate`."""
    run_command("simulate", __doc__, SimulateConfig, simulate)


if __name__ == "__main__":
    main()
