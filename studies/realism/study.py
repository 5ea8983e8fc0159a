"""The same measurements on a real scan and on simulated ones, as tables."""

import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.belt.conditions import Conditions
from oresort.belt.rock import ASSOCIATION, draw_lot
from oresort.belt.scan import Scan, draw_scene, expose_scene
from oresort.belt.sorter import BELT
from studies.realism import rocks
from studies.realism.air import BINS, Pair, between_layers, empty_belt, lateral_profile, layer_figures, split_air

# R of scan 38 at `RATIO_AT`, as first read from it; read here again, rims give other values below h = 0.3
FIRST_READING = np.array([1.757, 1.713, 1.622, 1.569, 1.521, 1.484, 1.444])
# mineralised share of the simulated lots: scan 38 is of class ore, and 8 % of a lot are strays by default
ORE_SHARE = 0.92
LAYERS = ("low", "high")


class Measured(NamedTuple):
    """What one scan pair says.

    `air` by figure and layer; `lateral` (2, BINS) relative noise variance across the belt; `ratio` (7,) R at
    `RATIO_AT`; `variance` (2, 3, 5) sums per bin of `SIGNAL_EDGES`; `outlines` of its particles.
    """

    air: pd.DataFrame
    lateral: NDArray[np.float64]
    ratio: NDArray[np.float64]
    variance: NDArray[np.float64]
    outlines: list[rocks.Outline]


def ore_scan(seed: int, particles: int, kvp: float = 160.0, association: float = ASSOCIATION) -> Scan:
    """Simulate a scan of an ore lot without drift, to hold against scan 38."""
    lot_seed, scene_seed = np.random.SeedSequence(seed).spawn(2)
    lot = draw_lot(np.random.default_rng(lot_seed), ORE_SHARE, zoned=True, association=association)
    return expose_scene(draw_scene(scene_seed, particles, lot, Conditions(kvp=kvp), drift=0.0))


def measure(pair: Pair) -> Measured:
    """Measure one scan pair, real or simulated."""
    empty = empty_belt(*pair)
    air = [split_air(counts, empty) for counts in pair]
    columns = {name: layer_figures(layer) | between_layers(*air) for name, layer in zip(LAYERS, air, strict=True)}
    logs = rocks.logarithms(*pair)
    return Measured(
        air=pd.DataFrame(columns).rename_axis("figure"),
        lateral=np.stack([lateral_profile(layer) for layer in air]),
        ratio=rocks.ratio_curve(logs),
        variance=np.stack([rocks.signal_variance(counts) for counts in pair]),
        outlines=rocks.outlines(pair[0], logs),
    )


def air_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return the empty belt's figures of both layers, the simulated ones as mean and deviation over scans."""
    columns: dict[str, Any] = {}
    for layer in LAYERS:
        own = np.stack([m.air[layer] for m in simulated])
        columns |= {f"{layer}_real": real.air[layer], f"{layer}_simulated": own.mean(0), f"{layer}_sd": own.std(0)}
    return pd.DataFrame(columns)


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
    table = pd.DataFrame({"h": rocks.RATIO_AT, "first_reading": FIRST_READING, "real": real.ratio})
    return table.assign(simulated=np.nanmean(curves, axis=0), sd_over_lots=np.nanstd(curves, axis=0))


def variance_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return noise variance against signal, both in counts, for both layers; the last bin is air.

    `ratio` is simulated over real, of variance per count: the bins' mean signals differ a little.
    """
    pooled = np.sum([m.variance for m in simulated], axis=0)
    names = [f"{a:g}-{b:g}" for a, b in itertools.pairwise(rocks.SIGNAL_EDGES)] + ["air"]
    layers = []
    for name, theirs, own in zip(LAYERS, real.variance, pooled, strict=True):  # (3, 5) each
        table = pd.DataFrame({"layer": name, "transmission": names, "pixels_real": theirs[2].astype(int)})
        with np.errstate(invalid="ignore", divide="ignore"):  # a bin that no pixel falls into
            for side, (signal, square, pixels) in (("real", theirs), ("simulated", own)):
                table[[f"signal_{side}", f"variance_{side}"]] = np.stack([signal / pixels, square / pixels], axis=1)
            layers.append(table.assign(ratio=(own[1] / own[0]) / (theirs[1] / theirs[0])))
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
    octaves = [f"relief {a:g}-{b:g} px" for a, b in itertools.pairwise(rocks.OCTAVES)]
    names = ["diameter (mm)", "aspect", "peak l", "peak h", "l about f(h)", *octaves]
    return pd.DataFrame([[*o[1:-1], *o.relief] for m in measured for o in m.outlines], columns=names)


def outline_table(real: Measured, simulated: list[Measured]) -> pd.DataFrame:
    """Return quantiles of the simulated particles beside the least, middle and greatest real one."""
    own, theirs = outline_frame(simulated), outline_frame([real])
    real_ones = {"real_least": theirs.min(), "real_median": theirs.median(), "real_greatest": theirs.max()}
    spread = own.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).T.rename(columns="simulated_{:.0%}".format)
    return pd.DataFrame(real_ones).join(spread).rename_axis("quantity")
