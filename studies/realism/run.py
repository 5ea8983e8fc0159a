"""The whole comparison: measure, tabulate, draw and judge."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from oresort.belt.parallel import in_parallel
from oresort.belt.sorter import COLUMNS, LINES
from oresort.errors import InputError
from oresort.files.image import read_pair
from oresort.files.write import replacing
from studies.realism import figures
from studies.realism.patches import tell_apart
from studies.realism.rocks import Outline
from studies.realism.study import (
    LAYERS,
    Measured,
    Pair,
    air_table,
    calibrated_scan,
    lateral_table,
    measure,
    outline_frame,
    outline_table,
    ratio_table,
    variance_table,
)

_GALLERY = 12  # particles shown, the real ones among them
_EDGE = 20  # lines
_STRETCH = (slice(100, 180), slice(300, 900))  # shown of the empty belt; scan 38 has no particle there
_AIR_SCANS = 6  # simulated scans cut into patches


def _simulate_and_measure(particles: int, seed: int) -> tuple[Pair, Measured]:
    scan = calibrated_scan(seed, particles)
    pair = (scan.low, scan.high)
    return pair, measure(pair)


def _gallery(
    real: tuple[Pair, Measured], own: list[tuple[Pair, Measured]], seed: int
) -> tuple[Figure, list[int]]:
    """Return the gallery and the numbers of the real particles in it; those at the scan's ends are left out."""

    def whole(pair: Pair, measured: Measured) -> list[tuple[Pair, Outline]]:
        inner = [o for o in measured.outlines if o.box[0].start > _EDGE and o.box[0].stop < LINES - _EDGE]
        return [(pair, o) for o in inner]

    rng = np.random.default_rng(seed)
    theirs = whole(*real)
    candidates = [shown for pair, measured in own for shown in whole(pair, measured)]
    chosen = [candidates[int(k)] for k in rng.choice(len(candidates), _GALLERY - len(theirs), replace=False)]
    order = rng.permutation(_GALLERY).tolist()
    mixed = [(theirs + chosen)[k] for k in order]
    return figures.gallery_figure(mixed), [1 + order.index(k) for k in range(len(theirs))]


def run(
    low: Path, high: Path, out: Path, scans: int, particles: int, seed: int, workers: int
) -> pd.DataFrame:
    """Measure a real scan pair and `scans` simulated ones, write tables and figures to `out`, return the criteria.

    InputError if the scan cannot be read or is not of the sorter that is simulated.
    """
    pair = read_pair(low, high)
    if pair[0].shape != (LINES, COLUMNS):
        raise InputError(
            f"{low}: {pair[0].shape} pixels, not the simulated sorter's {(LINES, COLUMNS)}; give scan 38"
        )
    real = measure(pair)
    seeds = [seed + k for k in range(scans)]
    done = in_parallel(partial(_simulate_and_measure, particles), seeds, workers, "simulating and measuring")
    own = [measured for _, measured in done]
    tables = {
        "air": air_table(real, own).reset_index(),
        "lateral": lateral_table(real, own),
        "ratio": ratio_table(real, own),
        "variance": variance_table(real, own),
        "particles": outline_table(real, own).reset_index(),
    }
    told = tell_apart(pair, [own_pair for own_pair, _ in done[:_AIR_SCANS]], seed)
    gallery, places = _gallery((pair, real), done, seed)
    tables["criteria"] = _criteria(tables, told)
    for name, table in tables.items():
        with replacing(out / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.4g")
    bare = calibrated_scan(seed, 1)
    for name, figure in {
        "ratio": figures.ratio_figure(tables["ratio"]),
        "noise": figures.noise_figure(tables["variance"], tables["lateral"]),
        "particles": figures.particle_figure(outline_frame([real]), outline_frame(own)),
        "gallery": gallery,
        "air": figures.air_figure(pair, (bare.low, bare.high), *_STRETCH),
    }.items():
        figures.save(figure, out / f"{name}.png")
    print(f"real particles in gallery.png: {', '.join(map(str, sorted(places)))}")
    return tables["criteria"]


def _criteria(tables: dict[str, pd.DataFrame], told: list[float]) -> pd.DataFrame:
    ratio, lateral = tables["ratio"], tables["lateral"]
    air = {
        name: dict(zip(tables["air"].figure, column, strict=True)) for name, column in tables["air"].items()
    }
    rms = float(np.sqrt(((ratio.simulated - ratio.first_reading) ** 2).mean()))
    noise = float((tables["variance"].ratio - 1).abs().max())
    rows: list[tuple[str, float, float]] = [
        ("R(h), rms over seven points", rms, 0.03),
        ("noise variance against signal, largest deviation", noise, 0.15),
    ]
    for layer in LAYERS:
        own, real = air[f"{layer}_simulated"], air[f"{layer}_real"]
        off = (lateral[f"{layer}_simulated"] / lateral[f"{layer}_real"] - 1).abs().max()
        rows.append((f"lateral noise profile, {layer}, largest deviation", float(off), 0.15))
        for name in ("row common mode (%)", "column mean, spread (%)"):
            label = f"{name.removesuffix(' (%)')}, {layer}, deviation"
            rows.append((label, abs(own[name] / real[name] - 1), 0.15))
        across = "pixel correlation across, 1"
        rows.append((f"{across}, {layer}, difference", abs(own[across] - real[across]), 0.02))
    rows.append(("AUROC of real against simulated air, mean of four quarters", float(np.mean(told)), 0.65))
    return pd.DataFrame(rows, columns=["criterion", "found", "at_most"])
