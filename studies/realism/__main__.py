"""Does the simulator look like the real scan of the paper's sorter?

    python -m studies.realism low=scan_38_low.tiff high=scan_38_high.tiff

Measures both alike, writes tables and figures, and prints each criterion with what was found.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from omegaconf import MISSING

from oresort.belt.sorter import COLUMNS, LINES
from oresort.console.parallel import in_parallel
from oresort.errors import InputError
from oresort.files.image import read_pair
from studies.command import run_study, save
from studies.realism import figures
from studies.realism.air import Pair
from studies.realism.patches import tell_apart
from studies.realism.study import LAYERS, Measured, measure, ore_scan, outline_frame, tables

_GALLERY = 12  # particles shown, the real ones among them
_EDGE = 20  # lines
_STRETCH = (slice(100, 180), slice(300, 900))  # shown of the empty belt; scan 38 has no particle there
_AIR_SCANS = 6  # simulated scans cut into patches


@dataclass
class Options:
    """Keys of the command."""

    low: Path = MISSING  # low-energy layer of scan 38, 16-bit TIFF or PNG
    high: Path = MISSING  # high-energy layer of scan 38
    out: Path = Path("experiments/simulator")  # folder for tables and figures
    scans: int = 24  # scans to simulate, each of a lot of its own
    particles: int = 30  # particles on each
    seed: int = 3000  # of the first scan
    workers: int = 2  # processes


def _simulate_and_measure(particles: int, seed: int) -> tuple[Pair, Measured]:
    scan = ore_scan(seed, particles)
    pair = (scan.low, scan.high)
    return pair, measure(pair)


def _gallery(real: tuple[Pair, Measured], own: list[tuple[Pair, Measured]], seed: int) -> tuple[Figure, list[int]]:
    """Return the gallery and the numbers of the real particles in it; those at the scan's ends are left out."""
    theirs, candidates = (
        [
            (pair, outline)
            for pair, measured in scans
            for outline in measured.outlines
            if outline.box[0].start > _EDGE and outline.box[0].stop < LINES - _EDGE
        ]
        for scans in ([real], own)
    )
    rng = np.random.default_rng(seed)
    chosen = [candidates[int(k)] for k in rng.choice(len(candidates), _GALLERY - len(theirs), replace=False)]
    order = rng.permutation(_GALLERY).tolist()
    mixed = [(theirs + chosen)[k] for k in order]
    return figures.gallery_figure(mixed), [1 + order.index(k) for k in range(len(theirs))]


def study(options: Options) -> pd.DataFrame:
    """Measure a real scan pair and simulated ones, write tables and figures, and return the criteria."""
    if min(options.scans, options.particles, options.workers) < 1:
        raise InputError("scans, particles and workers must be at least 1")
    pair = read_pair(options.low, options.high)
    if pair[0].shape != (LINES, COLUMNS):
        expected = f"not the simulated sorter's {(LINES, COLUMNS)}; give scan 38"
        raise InputError(f"{options.low}: {pair[0].shape} pixels, {expected}")
    real = measure(pair)
    seeds = [options.seed + k for k in range(options.scans)]
    job = partial(_simulate_and_measure, options.particles)
    done = in_parallel(job, seeds, options.workers, "simulating and measuring")
    own = [measured for _, measured in done]
    found = tables(real, own)
    told = tell_apart(pair, [own_pair for own_pair, _ in done[:_AIR_SCANS]], options.seed)
    found["criteria"] = criteria(found, told)
    gallery, places = _gallery((pair, real), done, options.seed)
    bare = ore_scan(options.seed, 1)
    pictures = {
        "ratio.png": figures.ratio_figure(found["ratio"]),
        "noise.png": figures.noise_figure(found["variance"], found["lateral"]),
        "particles.png": figures.particle_figure(outline_frame([real]), outline_frame(own)),
        "gallery.png": gallery,
        "air.png": figures.air_figure(pair, (bare.low, bare.high), *_STRETCH),
    }
    save(options.out, {**{f"{name}.csv": table for name, table in found.items()}, **pictures}, "%.5g")
    print(f"real particles in gallery.png: {', '.join(map(str, sorted(places)))}")
    return found["criteria"]


def criteria(tables: dict[str, pd.DataFrame], told: list[float]) -> pd.DataFrame:
    """Return each criterion with what was found in the tables of `study.tables`, and the most that is allowed.

    `told` is the AUROC of telling real from simulated air, one per quarter of the scan.
    """
    ratio, lateral = tables["ratio"], tables["lateral"]
    air = {name: dict(zip(tables["air"].figure, column, strict=True)) for name, column in tables["air"].items()}
    rms = float(np.sqrt(((ratio.simulated - ratio.first_reading) ** 2).mean()))
    noise = float((tables["variance"].ratio - 1).abs().max())
    rows = [("R(h), rms over seven points", rms, 0.03)]
    rows.append(("noise variance against signal, largest deviation", noise, 0.15))
    for layer in LAYERS:
        own, real = air[f"{layer}_simulated"], air[f"{layer}_real"]
        off = (lateral[f"{layer}_simulated"] / lateral[f"{layer}_real"] - 1).abs().max()
        rows.append((f"lateral noise profile, {layer}, largest deviation", float(off), 0.15))
        for name in ("row common mode (%)", "column mean, spread (%)"):
            rows.append((f"{name.removesuffix(' (%)')}, {layer}, deviation", abs(own[name] / real[name] - 1), 0.15))
        across = "pixel correlation across, 1"
        rows.append((f"{across}, {layer}, difference", abs(own[across] - real[across]), 0.02))
    rows.append(("AUROC of real against simulated air, mean of four quarters", float(np.mean(told)), 0.65))
    return pd.DataFrame(rows, columns=["criterion", "found", "at_most"])


if __name__ == "__main__":
    run_study(Options, study)
