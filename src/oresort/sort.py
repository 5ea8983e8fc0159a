"""Sort a whole scan: find its particles, classify them, write `decisions.csv` and `overlay.png`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from oresort.command import run_command
from oresort.errors import InputError
from oresort.learn.checkpoint import Trained, load_trained
from oresort.learn.config import REQUIRED
from oresort.learn.evaluation import device_named
from oresort.paths import replacing
from oresort.progress import track
from oresort.scan.air import air_level
from oresort.scan.crops import extract
from oresort.scan.image import read_pair
from oresort.scan.particles import Particle, find_particles
from oresort.scan.plot import overlay
from oresort.show import show
from oresort.sorting.decide import decide, write_decisions

BATCH = 64


@dataclass
class SortConfig:
    """One scan to sort; `conf/sort.yaml` explains each key."""

    ckpt: str = REQUIRED
    low: str = REQUIRED
    high: str = REQUIRED
    out: str = REQUIRED
    threshold: float | None = None
    device: str = "auto"


class Sorted(NamedTuple):
    """What was decided on a scan, one entry a particle."""

    particles: list[Particle]
    p_ore: NDArray[np.float32]
    decisions: NDArray[np.str_]


def classify(
    trained: Trained,
    low: NDArray[np.uint16],
    high: NDArray[np.uint16],
    air: tuple[float, float],
    particles: list[Particle],
    device: torch.device,
) -> NDArray[np.float32]:
    """Return p_ore (N,) of the particles of a scan, prepared as the checkpoint's training pairs were.

    Args:
        trained: The model and its representation.
        low: Low-energy layer (H, W) in counts.
        high: High-energy layer, same shape.
        air: Air level of each layer; the high layer is brought to the low one's.
        particles: Found on `low`.
        device: Where to compute.
    """
    net, representation = trained.module.to(device), trained.representation
    p_ore = [np.zeros(0, np.float32)]
    batches = [particles[start : start + BATCH] for start in range(0, len(particles), BATCH)]
    for batch in track(batches, len(batches), "classifying particles"):
        planes = []
        for particle in batch:
            low_crop, high_crop = extract(low, high, particle, air[1])
            level = np.rint(high_crop * (air[0] / air[1])).clip(0, 65_535).astype(np.uint16)
            planes.append(representation.prepare(low_crop, level, air[0], "zero"))
        images = representation.finish(torch.from_numpy(np.stack(planes)))
        with torch.inference_mode():
            logits = net(*(image.to(device) for image in images))
        p_ore.append(logits.float().softmax(dim=1)[:, 1].cpu().numpy())
    return np.concatenate(p_ore)


def sort_scan(cfg: SortConfig) -> Sorted:
    """Sort one scan, write both files into `cfg.out` and print the decisions.

    Raises:
        InputError: What the checkpoint, the images or an argument has wrong; nothing is written then.
    """
    trained = load_trained(Path(cfg.ckpt))
    low, high = read_pair(Path(cfg.low), Path(cfg.high))
    air = air_level(low, cfg.low), air_level(high, cfg.high)
    particles = find_particles(low, air[0])
    p_ore = classify(trained, low, high, air, particles, device_named(cfg.device))
    threshold = trained.threshold if cfg.threshold is None else cfg.threshold
    decisions = decide(p_ore, threshold)
    out = Path(cfg.out)
    try:
        with replacing(out / "overlay.png") as temporary:
            overlay(low, air[0], particles, decisions, p_ore).savefig(temporary)
        write_decisions(out / "decisions.csv", particles, p_ore, decisions)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); choose another out=DIR") from error
    ore = int((decisions == "ore").sum())
    table = pd.DataFrame({"decision": ["ore", "waste"], "particles": [ore, len(particles) - ore]})
    show(table, f"{cfg.low}: {len(particles)} particles at threshold {threshold:.3f}")
    cut = sum(particle.cut for particle in particles)
    if cut:
        print(f"warning: {cut} particles touch the scan's border and may lack a part", file=sys.stderr)
    print(f"written: {out / 'decisions.csv'}, {out / 'overlay.png'}")
    return Sorted(particles, p_ore, decisions)


def main() -> None:
    """Entry point of `python -m oresort.sort`."""
    run_command("sort", SortConfig, sort_scan)


if __name__ == "__main__":
    main()
