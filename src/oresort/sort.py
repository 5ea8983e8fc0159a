"""Sort a whole scan: find its particles, classify them, write `decisions.csv` and `overlay.png`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from oresort.console.command import REQUIRED, run_command
from oresort.console.progress import track
from oresort.console.show import show
from oresort.errors import InputError
from oresort.files.lines import PairReader
from oresort.files.write import replacing
from oresort.learn.checkpoint import Trained, load_trained
from oresort.learn.evaluation import device_named
from oresort.models.inputs import Inputs
from oresort.scan.calibrate.calibration import Calibration, load_calibration
from oresort.scan.calibrate.measure import calibrate, check_scan, fit_samples
from oresort.scan.calibrate.register import LayersDifferError
from oresort.scan.cut.crop import Cut, Options
from oresort.scan.cut.cutter import cut_scan
from oresort.scan.draw.overlay import overlay
from oresort.scan.segment.particle import Particle
from oresort.sorting.decide import decide, write_decisions

BATCH = 64


@dataclass
class SortConfig:
    """One scan to sort; `conf/sort.yaml` explains each key."""

    ckpt: str = REQUIRED
    low: str = REQUIRED
    high: str = REQUIRED
    out: str = REQUIRED
    crops: str = "released"
    mask: str = "threshold"
    calibration: str | None = None
    threshold: float | None = None
    device: str = "auto"


class Sorted(NamedTuple):
    """What was decided on a scan, one entry a particle."""

    particles: list[Particle]
    p_ore: NDArray[np.float32]
    decisions: NDArray[np.str_]


def classify(trained: Trained, cuts: Sequence[Cut], air: float, device: torch.device) -> NDArray[np.float32]:
    """Return p_ore (N,) of particles, prepared as the checkpoint's training pairs were.

    Args:
        trained: The model and its representation.
        cuts: Particles cut out of both layers, background 0.
        air: Air level of both layers' crops in counts.
        device: Where to compute.
    """
    net, representation = trained.module.to(device), trained.representation
    inputs = Inputs(representation)
    p_ore = [np.zeros(0, np.float32)]
    batches = [cuts[start : start + BATCH] for start in range(0, len(cuts), BATCH)]
    for batch in track(batches, len(batches), "classifying particles"):
        planes = [representation.planes(cut.low, cut.high, air, "zero") for cut in batch]
        images = inputs(torch.from_numpy(np.stack(planes)))
        with torch.inference_mode():
            logits = net(*(image.to(device) for image in images))
        p_ore.append(logits.float().softmax(dim=1)[:, 1].cpu().numpy())
    return np.concatenate(p_ore)


def find_calibration(cfg: SortConfig, reader: PairReader) -> Calibration:
    """Return the calibration given, or measured on the scan itself.

    Raises:
        InputError: An unusable scan or file, or, where crops are to be registered, too few particles for it.
    """
    if cfg.calibration:
        given = load_calibration(Path(cfg.calibration))
        check_scan(reader, given)
        return given
    calibration, sample = calibrate(reader)
    try:
        return replace(calibration, registration=fit_samples([sample]))
    except LayersDifferError as error:
        raise InputError(f"{cfg.low}: {error}") from error
    except InputError as error:
        if cfg.crops == "registered":
            raise InputError(f"{cfg.low}: {error}, or calibration=FILE") from error
        return calibration  # as released, the layers stay as they lie


def sort_scan(cfg: SortConfig) -> Sorted:
    """Sort one scan, write both files into `cfg.out` and print the decisions.

    Raises:
        InputError: What the checkpoint, the images or an argument has wrong; nothing is written then.
    """
    trained = load_trained(Path(cfg.ckpt))
    if cfg.crops not in ("registered", "released"):
        raise InputError(f"crops={cfg.crops}: unknown; known are registered, released")
    options = Options(registered=cfg.crops == "registered", mask=cfg.mask)
    with PairReader(Path(cfg.low), Path(cfg.high)) as reader:
        calibration = find_calibration(cfg, reader)
        cuts = sorted(
            cut_scan(reader, calibration, options), key=lambda cut: (cut.particle.y, cut.particle.x)
        )
        low = reader.low.read(0, reader.height)  # the picture shows all of it
    air = calibration.low.level
    particles = [cut.particle for cut in cuts]
    p_ore = classify(trained, cuts, air, device_named(cfg.device))
    threshold = trained.threshold if cfg.threshold is None else cfg.threshold
    decisions = decide(p_ore, threshold)
    out = Path(cfg.out)
    try:
        with replacing(out / "overlay.png") as temporary:
            overlay(low, air, particles, decisions, p_ore).savefig(temporary)
        write_decisions(out / "decisions.csv", particles, p_ore, decisions)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another out=DIR") from error
    ore = int((decisions == "ore").sum())
    table = pd.DataFrame({"decision": ["ore", "waste"], "particles": [ore, len(particles) - ore]})
    show(table, f"{cfg.low}: {len(particles)} particles at threshold {threshold:.3f}")
    cut = sum(particle.cut for particle in particles)
    if cut:
        some = "1 particle touches" if cut == 1 else f"{cut} particles touch"
        print(f"warning: {some} the scan's border and may lack a part", file=sys.stderr)
    touching = sum(particle.touching for particle in particles)
    if touching:
        some = "1 particle" if touching == 1 else f"{touching} particles"
        print(f"warning: {some} may be several in touch, decided on as one", file=sys.stderr)
    print(f"written: {out / 'decisions.csv'}, {out / 'overlay.png'}")
    return Sorted(particles, p_ore, decisions)


def main() -> None:
    """Entry point of `python -m oresort.sort`."""
    run_command("sort", SortConfig, sort_scan)


if __name__ == "__main__":
    main()
