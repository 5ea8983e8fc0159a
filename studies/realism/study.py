"""The same measurements on a real scan and on simulated ones, as tables."""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.belt.rock import ASSOCIATION, draw_lot
from oresort.belt.scan import Scan, draw_scene, expose_scene
from oresort.belt.sorter import BELT
from studies.realism.air import BINS, between_layers, empty_belt, lateral_profile, layer_figures, split_air
from studies.realism.rocks import (
    OCTAVES,
    RATIO_AT,
    SIGNAL_EDGES,
    Outline,
    logarithms,
    outlines,
    ratio_curve,
    signal_variance,
)

FIRST_READING = np.array([1.757, 1.713, 1.622, 1.569, 1.521, 1.484, 1.444])
"""R of scan 38 at `RATIO_AT`, as first read from it; read here again, rims give other values below h = 0.3."""

ORE_SHARE = 0.92
"""Mineralised share of the simulated lots: scan 38 is of class ore, and 8 % of a lot are strays by default."""

LAYERS = ("low", "high")

Pair = tuple[NDArray[np.uint16], NDArray[np.uint16]]


class Measured(NamedTuple):
    """What one scan pair says.

    `air` by figure and layer; `lateral` (2, BINS) relative noise variance across the belt; `ratio` (7,) R at
    `RATIO_AT`; `variance` (2, 3, 5) sums per bin of `SIGNAL_EDGES`; `outlines` of its particles.
    """

    air: pd.DataFrame
    lateral: NDArray[np.float64]
    ratio: NDArray[np.float64]
    variance: NDArray[np.float64]
    outlines: list[Outline]


def ore_scan(seed: int, particles: int, kvp: float = 160.0, association: float = ASSOCIATION) -> Scan:
    """Simulate a scan of an ore lot without drift, to hold against scan 38."""
    lot_seed, scene_seed = np.random.SeedSequence(seed).spawn(2)
    lot = draw_lot(np.random.default_rng(lot_seed), ORE_SHARE, zoned=True, association=association)
    return expose_scene(draw_scene(scene_seed, particles, lot, kvp, drift=0.0))


def measure(pair: Pair) -> Measured:
    """Measure one scan pair, real or simulated."""
    empty = empty_belt(*pair)
    air = [split_air(counts, empty) for counts in pair]
    both = between_layers(*air)
    columns = {name: layer_figures(layer) | both for name, layer in zip(LAYERS, air, strict=True)}
    logs = logarithms(*pair)
    return Measured(
        air=pd.DataFrame(columns).rename_axis("figure"),
        lateral=np.stack([lateral_profile(layer) for layer in air]),
        ratio=ratio_curve(logs),
        variance=np.stack([signal_variance(counts) for counts in pair]),
        outlines=outlines(pair[0], logs),
    )


def air_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return the empty belt's figures of both layers, the simulated ones as mean and deviation over scans."""
    stack = np.stack([m.air.to_numpy() for m in simulated])
    columns = {}
    for k, layer in enumerate(LAYERS):
        columns[f"{layer}_real"] = real.air[layer].to_numpy()
        columns[f"{layer}_simulated"] = stack[:, :, k].mean(axis=0)
        columns[f"{layer}_sd"] = stack[:, :, k].std(axis=0)
    return pd.DataFrame(columns, index=real.air.index)


def lateral_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return the relative noise variance of both layers in equal parts of the belt, by their middle column."""
    edges = np.linspace(*BELT, BINS + 1)
    mean = np.mean([m.lateral for m in simulated], axis=0)
    columns = {"column": ((edges[1:] + edges[:-1]) / 2).round().astype(int)}
    for k, layer in enumerate(LAYERS):
        columns |= {f"{layer}_real": real.lateral[k], f"{layer}_simulated": mean[k]}
    return pd.DataFrame(columns)


def ratio_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return R against h: as first read, read here on the real scan, and simulated with its spread over lots."""
    curves = np.stack([m.ratio for m in simulated])
    return pd.DataFrame(
        {
            "h": RATIO_AT, "first_reading": FIRST_READING, "real": real.ratio,
            "simulated": np.nanmean(curves, axis=0), "sd_over_lots": np.nanstd(curves, axis=0),
        }
    )  # fmt: skip


def variance_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return noise variance against signal, both in counts, for both layers; the last bin is air.

    `ratio` is simulated over real, of variance per count: the bins' mean signals differ a little.
    """
    pooled = np.sum([m.variance for m in simulated], axis=0)
    names = [f"{a:g}-{b:g}" for a, b in itertools.pairwise(SIGNAL_EDGES)] + ["air"]
    layers = []
    for name, (signal, square, pixels), own in zip(LAYERS, real.variance, pooled, strict=True):  # (5,) each
        with np.errstate(invalid="ignore", divide="ignore"):  # a bin that no pixel falls into
            columns = {
                "pixels_real": pixels.astype(int),
                "signal_real": signal / pixels,
                "variance_real": square / pixels,
                "signal_simulated": own[0] / own[2],
                "variance_simulated": own[1] / own[2],
                "ratio": (own[1] / own[0]) / (square / signal),
            }
        layers.append(pd.DataFrame({"layer": name, "transmission": names} | columns))
    return pd.concat(layers, ignore_index=True)


def tables(real: Measured, simulated: list[Measured]) -> dict[str, pd.DataFrame]:
    """Return all tables of the comparison by name."""
    return {
        "air": air_table(real, simulated).reset_index(),
        "lateral": lateral_table(real, simulated),
        "ratio": ratio_table(real, simulated),
        "variance": variance_table(real, simulated),
        "particles": outline_table(real, simulated).reset_index(),
    }


def outline_frame(measured: list[Measured]) -> pd.DataFrame:
    """Return the particles of some scans, one a row: size, shape, attenuation, texture and relief by octave."""
    octaves = [f"relief {a:g}-{b:g} px" for a, b in itertools.pairwise(OCTAVES)]
    rows = [[*o[1:-1], *o.relief] for m in measured for o in m.outlines]
    names = ["diameter (mm)", "aspect", "peak l", "peak h", "l about f(h)", *octaves]
    return pd.DataFrame(rows, columns=names)


def outline_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return quantiles of the simulated particles beside the least, middle and greatest real one."""
    own, theirs = outline_frame(simulated), outline_frame([real])
    table = own.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).T
    table.columns = [f"simulated_{q:.0%}" for q in table.columns]
    for place, (name, values) in enumerate(
        {"real_least": theirs.min(), "real_median": theirs.median(), "real_greatest": theirs.max()}.items()
    ):
        table.insert(place, name, values)
    return table.rename_axis("quantity")
