"""Pictures of the comparison: real beside simulated."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oresort.belt.sorter import BELT
from oresort.console.palette import BLUE, VERMILION
from studies.realism.air import Pair
from studies.realism.rocks import Outline, level

REAL, OWN = VERMILION, BLUE
_RIM = 5  # pixels of belt around a particle in the gallery


def ratio_figure(table: pd.DataFrame) -> Figure:
    """Draw R against h from `ratio_table`."""
    figure = Figure(figsize=(6, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    label = "simulated (bars: between lots)"
    axes.errorbar(table.h, table.simulated, table.sd_over_lots, color=OWN, marker="o", capsize=3, label=label)
    axes.plot(table.h, table.first_reading, color=REAL, marker="s", label="scan 38, as first read")
    axes.plot(table.h, table.real, color=REAL, marker="x", linestyle=":", label="scan 38, by this command")
    axes.set(xlabel="h (high-energy attenuation)", ylabel="R = l / h", title="Beam hardening")
    axes.legend()
    return figure


def noise_figure(variance: pd.DataFrame, lateral: pd.DataFrame) -> Figure:
    """Draw noise variance against signal, and across the belt, of both layers."""
    figure = Figure(figsize=(11, 4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    for layer, line in (("low", "-"), ("high", "--")):
        part = variance[variance.layer == layer]
        for name, colour, marker, label in (("real", REAL, "s", "scan 38"), ("simulated", OWN, "o", "simulated")):
            signal, noise = part[f"signal_{name}"], part[f"variance_{name}"]
            left.plot(signal, noise, colour, linestyle=line, marker=marker, label=f"{layer}, {label}")
            right.plot(lateral.column, lateral[f"{layer}_{name}"], colour, linestyle=line)
    left.set(xlabel="signal (counts)", ylabel="variance (counts²)", title="Noise against signal")
    right.set(xlabel="column", ylabel="variance / that of columns 700-1000", title="Noise across the belt")
    left.legend()
    return figure


def particle_figure(real: pd.DataFrame, simulated: pd.DataFrame) -> Figure:
    """Draw the distributions of all columns of `outline_frame`, with the real particles as marks."""
    figure = Figure(figsize=(12, 6), dpi=110, layout="constrained")
    count = len(simulated.columns)
    grid = figure.subplots(2, -(-count // 2), squeeze=False).ravel()
    for axes in grid[count:]:
        axes.axis("off")
    for axes, name in zip(grid, simulated.columns, strict=False):
        axes.hist(simulated[name], bins=25, color=OWN, alpha=0.6)
        for value in real[name]:
            axes.axvline(value, color=REAL)
        axes.set(title=name, yticks=[])
    figure.suptitle("Particles: simulated (histograms) and the four of scan 38 (lines)")
    return figure


def gallery_figure(shown: list[tuple[Pair, Outline]], columns: int = 6) -> Figure:
    """Draw particles of scans, low over high layer, all at one scale of grey and of size, without names."""
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(2.0 * columns, 4.0 * rows), dpi=110, layout="constrained")
    side = max(s.stop - s.start for _, outline in shown for s in outline.box) + 2 * _RIM
    grid = figure.subplots(2 * rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.axis("off")
    for k, (pair, outline) in enumerate(shown):
        for layer, counts in enumerate(pair):
            axes = grid[2 * (k // columns) + layer, k % columns]
            axes.imshow(_surroundings(counts, outline, side), cmap="gray", vmin=0.1, vmax=1.05, interpolation="nearest")
            axes.set_title(f"{k + 1} {'low' if layer == 0 else 'high'}", fontsize=8)
    return figure


def air_figure(real: Pair, simulated: Pair, rows: slice, columns: slice) -> Figure:
    """Draw one stretch of empty belt of both layers, real over simulated, without names beyond these."""
    figure = Figure(figsize=(11, 7), dpi=110, layout="constrained")
    grid = figure.subplots(4, 1)
    for k, (name, pair) in enumerate((("scan 38", real), ("simulated", simulated))):
        for layer, counts in enumerate(pair):
            axes = grid[2 * layer + k]
            stretch = counts[rows, columns] / level(counts)
            axes.imshow(stretch, cmap="gray", vmin=0.9, vmax=1.1, interpolation="nearest")
            axes.set_title(f"{name}, {'low' if layer == 0 else 'high'}: air, grey from 0.9 to 1.1", fontsize=9)
            axes.axis("off")
    return figure


def _surroundings(counts: NDArray[np.uint16], outline: Outline, side: int) -> NDArray[np.float32]:
    """Return the transmission (side, side) around a particle, white beyond the scan."""
    belt = counts[:, BELT[0] : BELT[1]] / np.float32(level(counts))
    padded = np.pad(belt, side, constant_values=1.0)
    row, column = ((s.start + s.stop) // 2 + side - side // 2 for s in outline.box)
    column -= BELT[0]
    return np.asarray(padded[row : row + side, column : column + side], dtype=np.float32)
