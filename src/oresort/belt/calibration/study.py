"""The same measurements on a real scan and on simulated ones, as tables."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.belt.calibration.air import between_layers, empty_belt, lateral_profile, layer_figures, split_air
from oresort.belt.calibration.rocks import (
    RATIO_AT,
    SIGNAL_EDGES,
    Outline,
    logarithms,
    outlines,
    ratio_curve,
    signal_variance,
)
from oresort.belt.rock import draw_lot
from oresort.belt.scan import Scan, draw_scene, expose_scene

PUBLISHED_RATIO = np.array([1.757, 1.713, 1.622, 1.569, 1.521, 1.484, 1.444])
"""R of scan 38 at `RATIO_AT` as published with the project's notes on the sorter."""

ORE_SHARE = 0.92
"""Mineralised share of the simulated lots: scan 38 is of class ore, and 8 % of a lot are strays by default."""

LAYERS = ("low", "high")

Pair = tuple[NDArray[np.uint16], NDArray[np.uint16]]


class Particles(NamedTuple):
    """What `measure_particles` finds in one scan: R (7,), variance sums (2, 3, 5), outlines."""

    ratio: NDArray[np.float64]
    variance: NDArray[np.float64]
    outlines: list[Outline]


def calibrated_scan(seed: int, particles: int, kvp: float = 160.0) -> Scan:
    """Simulate a scan of an ore lot without drift, to hold against scan 38."""
    lot_seed, scene_seed = np.random.SeedSequence(seed).spawn(2)
    lot = draw_lot(np.random.default_rng(lot_seed), ORE_SHARE, zoned=True, association=0.5)
    return expose_scene(draw_scene(scene_seed, particles, lot, kvp, drift=0.0))


def measure_air(pair: Pair) -> pd.DataFrame:
    """Return the empty belt's figures: index `figure`, columns `low`, `high`; correlations stand in both."""
    empty = empty_belt(*pair)
    low, high = (split_air(counts, empty) for counts in pair)
    both = between_layers(low, high)
    columns = {name: layer_figures(air) | both for name, air in zip(LAYERS, (low, high), strict=True)}
    return pd.DataFrame(columns).rename_axis("figure")


def measure_lateral(pair: Pair) -> NDArray[np.float64]:
    """Return the relative noise variance (2, 20) of both layers across the belt."""
    empty = empty_belt(*pair)
    return np.stack([lateral_profile(split_air(counts, empty)) for counts in pair])


def measure_particles(pair: Pair) -> Particles:
    """Return ratio, variance sums and outlines of one scan's particles."""
    logs = logarithms(*pair)
    variance = np.stack([signal_variance(counts) for counts in pair])
    return Particles(ratio_curve(logs), variance, outlines(pair[0], logs))


def _simulated(measure: Callable[[Pair], object], particles: int, seed: int) -> object:
    scan = calibrated_scan(seed, particles)
    return measure((scan.low, scan.high))


def over_scans(measure: Callable[[Pair], object], particles: int) -> Callable[[int], object]:
    """Return a function of a seed that simulates a scan of so many particles and measures it."""
    return partial(_simulated, measure, particles)


def air_table(real: pd.DataFrame, simulated: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return real and simulated figures side by side; the simulated are means over scans."""
    mean = sum(frame for frame in simulated) / len(list(simulated))
    return (
        pd.concat({"real": real, "simulated": mean}, axis=1)
        .swaplevel(axis=1)
        .sort_index(axis=1, sort_remaining=False)
    )


def ratio_table(real: Particles, simulated: list[Particles]) -> pd.DataFrame:
    """Return R against h: published, measured here on the real scan, and simulated with its spread over lots."""
    curves = np.stack([p.ratio for p in simulated])
    return pd.DataFrame(
        {
            "h": RATIO_AT, "published": PUBLISHED_RATIO, "real": real.ratio,
            "simulated": np.nanmean(curves, axis=0), "sd_over_lots": np.nanstd(curves, axis=0),
        }
    )  # fmt: skip


def variance_table(real: Particles, simulated: list[Particles]) -> pd.DataFrame:
    """Return noise variance against signal, both in counts, for both layers; the last bin is air."""
    rows = []
    pooled = sum(p.variance for p in simulated)
    names = [f"{a:g}-{b:g}" for a, b in zip(SIGNAL_EDGES, SIGNAL_EDGES[1:], strict=False)] + ["air"]
    for layer, name in enumerate(LAYERS):
        for k, transmission in enumerate(names):
            signal, squares, pixels = real.variance[layer, :, k]
            own = pooled[layer, :, k]
            rows.append(
                {
                    "layer": name, "transmission": transmission, "pixels_real": int(pixels),
                    "signal_real": signal / pixels, "variance_real": squares / pixels,
                    "signal_simulated": own[0] / own[2], "variance_simulated": own[1] / own[2],
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    # the bins' mean signals differ a little: compare variance per count
    per_count = [frame[f"variance_{side}"] / frame[f"signal_{side}"] for side in ("simulated", "real")]
    return frame.assign(ratio=per_count[0] / per_count[1])


def outline_table(real: Particles, simulated: list[Particles]) -> pd.DataFrame:
    """Return quantiles of the simulated particles beside the real ones' least and greatest."""
    own = pd.DataFrame([o[1:] for p in simulated for o in p.outlines], columns=Outline._fields[1:])
    theirs = pd.DataFrame([o[1:] for o in real.outlines], columns=Outline._fields[1:])
    table = own.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).T
    table.columns = [f"simulated_{q:.0%}" for q in table.columns]
    table.insert(0, "real_min", theirs.min())
    table.insert(1, "real_max", theirs.max())
    return table.rename_axis("quantity")
