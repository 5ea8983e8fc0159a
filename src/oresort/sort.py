"""Sort a whole scan: find its particles, classify them, write `decisions.csv` and `overlay.png`."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from oresort.console.command import REQUIRED, run_command
from oresort.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from oresort.files.dataset import Cutting
    from oresort.learn.checkpoint import Trained
    from oresort.scan.segment.particle import Particle


@dataclass
class SortConfig:
    """One scan to sort; `conf/sort.yaml` explains each key."""

    ckpt: str = REQUIRED
    low: str = REQUIRED
    high: str = REQUIRED
    out: str = REQUIRED
    crops: str | None = None
    mask: str | None = None
    calibration: str | None = None
    threshold: float | None = None
    device: str = "auto"
    modules: list[str] = field(default_factory=list)


class Sorted(NamedTuple):
    """What was decided on a scan, one entry per particle."""

    particles: "list[Particle]"
    p_ore: "NDArray[np.float32]"
    decisions: "NDArray[np.str_]"


def cutting(cfg: SortConfig, trained: "Trained") -> "Cutting":
    """Return how particles are to be cut: as the model's training pairs, whatever the command says of it.

    Raises:
        InputError: `crops` or `mask` is unknown, contradicts the model's pairs, or is needed and not given.
    """
    from oresort.files.dataset import Cutting

    given = {key: word for key in ("crops", "mask") if (word := getattr(cfg, key)) is not None}
    known = trained.cut
    if known is None:
        if len(given) == 2:
            return Cutting(**given)
        raise InputError(
            f"{cfg.ckpt}: does not know how its training pairs were cut; "
            "say crops=registered or released, and mask=noise, threshold or released"
        )
    for key, word in given.items():
        if replace(known, **{key: word}) != known:
            raise InputError(
                f"{key}={word}: the model's training pairs were cut with {key}={getattr(known, key)}; leave out {key}="
            )
    return known


def sort_scan(cfg: SortConfig) -> Sorted:
    """Sort one scan, write both files into `cfg.out` and print the decisions.

    Raises:
        InputError: what the checkpoint, the images or an argument has wrong; nothing is written then.
    """
    import pandas as pd

    from oresort.console.show import show
    from oresort.files.lines import PairReader
    from oresort.files.write import replacing
    from oresort.learn.checkpoint import device_named, load_trained
    from oresort.scan.calibrate.calibration import load_calibration
    from oresort.scan.calibrate.measure import calibrate_scan, check_scan
    from oresort.scan.cut.cutter import cut_scan
    from oresort.scan.draw.decisions import draw_decisions
    from oresort.scan.draw.page import save_png
    from oresort.sorting.decide import decide, write_decisions

    trained = load_trained(cfg.ckpt)
    cut = cutting(cfg, trained)
    device = device_named(cfg.device)
    with PairReader(Path(cfg.low), Path(cfg.high)) as reader:
        if cfg.calibration:
            calibration = load_calibration(Path(cfg.calibration))
            check_scan(reader, calibration)
        else:
            calibration = calibrate_scan(reader, needed=cut.crops == "registered")
        crops = list(cut_scan(reader, calibration, cut))
        low = reader.low.read(0, reader.height)  # the picture shows all of it
    crops.sort(key=lambda crop: (crop.particle.y, crop.particle.x))
    particles = [crop.particle for crop in crops]
    air = calibration.low.level
    layers = [crop.low for crop in crops], [crop.high for crop in crops]
    p_ore = trained.predict(*layers, air=air, background=cut.background, device=device)
    threshold = trained.threshold if cfg.threshold is None else cfg.threshold
    decisions = decide(p_ore, threshold)
    out = Path(cfg.out)
    try:
        with replacing(out / "overlay.png") as temporary:
            save_png(draw_decisions(low, air, particles, decisions, p_ore), temporary)
        write_decisions(out / "decisions.csv", particles, p_ore, decisions)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another out=DIR") from error
    ore = int((decisions == "ore").sum())
    table = pd.DataFrame({"decision": ["ore", "waste"], "particles": [ore, len(particles) - ore]})
    show(table, f"{cfg.low}: {len(particles)} particles at threshold {threshold:.3f}")
    for flag, verb, fault in (
        ("clipped", "reach", "the border of the scan, so a part of them may be missing"),
        ("touching", "look", "like several in touch, and are decided on as one"),
    ):
        if count := sum(getattr(particle, flag) for particle in particles):
            print(f"warning: {count} of {len(particles)} particles {verb} {fault}", file=sys.stderr)
    print(f"written: {out / 'decisions.csv'}, {out / 'overlay.png'}")
    return Sorted(particles, p_ore, decisions)


def main() -> None:
    """Entry point of `python -m oresort.sort`."""
    run_command("sort", __doc__, SortConfig, sort_scan)


if __name__ == "__main__":
    main()
