"""A synthetic dataset, or raw scans, with exact ground truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oresort.belt.dataset import write_pairs, write_scans
from oresort.belt.labels import Labelling
from oresort.belt.rock import ASSOCIATION
from oresort.belt.sorter import check_voltage
from oresort.console.command import REQUIRED
from oresort.errors import InputError
from oresort.files.dataset import write_dataset
from oresort.files.write import new_folder


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
    association: float = ASSOCIATION
    particles: int = 30
    background: str = "zero"
    workers: int = 2
    overwrite: bool = False


def simulate(cfg: SimulateConfig) -> dict[str, Any]:
    """Write what was asked for into `cfg.out` and return a summary; InputError for anything impossible."""
    _check(cfg)
    labelling = Labelling(cfg.labels, cfg.wrong, cfg.cutoff, cfg.assay_noise, cfg.mineralised)
    summary: dict[str, Any] = {"out": cfg.out}
    with new_folder(Path(cfg.out), cfg.overwrite) as folder:
        if cfg.pairs:
            manifest = write_pairs(
                folder, cfg.pairs, cfg.seed, labelling, cfg.association, cfg.kvp, cfg.background, cfg.workers
            )
            for split in ("train", "val", "test"):
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
    for name in ("particles", "workers"):
        if getattr(cfg, name) < 1:
            raise InputError(f"{name}={getattr(cfg, name)}: must be at least 1")
    if cfg.seed < 0:
        raise InputError(f"seed={cfg.seed}: must be 0 or greater")
    check_voltage(cfg.kvp)
    if not 0 <= cfg.association <= 1:
        raise InputError(f"association={cfg.association:g}: choose from 0 (hardest) to 1")
    if cfg.background not in ("zero", "air"):
        raise InputError(f"background={cfg.background!r} is unknown; choose zero or air")
