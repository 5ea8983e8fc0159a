"""Simulate a dataset or raw scans, with exact ground truth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from oresort.console.command import REQUIRED, run_command
from oresort.console.ranges import SEEDS, number, one_of, share, whole
from oresort.errors import InputError


@dataclass
class SimulateConfig:
    """What to simulate; every key is explained in `conf/simulate.yaml`."""

    out: str = REQUIRED
    pairs: Annotated[int, whole(0)] = 0
    scans: Annotated[int, whole(0)] = 0
    seed: Annotated[int, whole(0, SEEDS)] = 0
    labels: Annotated[str, one_of("batch", "assay")] = "batch"
    wrong: Annotated[float, share()] = 0.08
    cutoff: Annotated[float, number(0, 100, above=True)] = 0.10
    assay_noise: Annotated[float, number(0, 10)] = 0.10
    mineralised: Annotated[float, share()] = 0.50
    association: Annotated[float, share()] = 0.8
    lithologies: list[str] = field(default_factory=lambda: ["potassic", "phyllic", "propylitic", "calcic"])
    size: Annotated[float, number(0.4, 2)] = 1.0
    kvp: Annotated[float, number(140, 180)] = 160.0
    filter: Annotated[float, number(0, 3)] = 0.10
    front: Annotated[float, number(0.05, 2)] = 0.24
    between: Annotated[float, number(0, 3)] = 0.11
    magnification: Annotated[float, number(0, 2)] = 0.754
    noise: Annotated[float, number(0, 10)] = 1.0
    blur: Annotated[float, number(0, 2)] = 0.0
    air_error: Annotated[float, number(-0.5, 0.5)] = 0.0
    particles: Annotated[int, whole(1)] = 30
    background: Annotated[str, one_of("zero", "air")] = "zero"
    workers: Annotated[int, whole(1, 1024)] = 2
    overwrite: bool = False


def simulate(cfg: SimulateConfig) -> dict[str, Any]:
    """Write what was asked for into `cfg.out` and return a summary; InputError for anything impossible."""
    from oresort.belt import write_pairs, write_scans
    from oresort.belt.conditions import Conditions
    from oresort.belt.plan import Labelling
    from oresort.files.dataset import write_dataset
    from oresort.files.layout import SPLITS
    from oresort.files.write import new_folder

    if cfg.pairs + cfg.scans < 1:
        raise InputError(f"pairs={cfg.pairs} scans={cfg.scans}: ask for at least one, as pairs=4000 or scans=2")
    conditions = Conditions.of(cfg)
    labelling = Labelling(cfg.labels, cfg.wrong, cfg.cutoff, cfg.assay_noise, cfg.mineralised)
    summary: dict[str, Any] = {"out": cfg.out}
    with new_folder(Path(cfg.out), cfg.overwrite) as folder:
        if cfg.pairs:
            manifest = write_pairs(folder, cfg.pairs, cfg.seed, labelling, conditions, cfg.background, cfg.workers)
            for split in SPLITS:
                labels = manifest.label[manifest.split == split]
                summary[split] = f"{len(labels)} pairs, {int((labels == 'ore').sum())} ore"
        if cfg.scans:
            truth = write_scans(folder, cfg.scans, cfg.seed, cfg.particles, conditions, cfg.workers)
            summary["scans"] = f"{cfg.scans} scans, {len(truth)} particles"
            if not cfg.pairs:
                write_dataset(folder, "oresort.simulate", None)
    for name, value in summary.items():
        print(f"{name:>6}: {value}")
    return summary


def main() -> None:
    """Entry point of `python -m oresort.simulate`."""
    run_command("simulate", __doc__, SimulateConfig, simulate)


if __name__ == "__main__":
    main()
