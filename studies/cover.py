"""The picture at the top of README.md, from what `make demo` leaves.

python -m studies.cover demo=demo
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from oresort.belt.sorter import BELT
from oresort.console.palette import ORE, WASTE
from oresort.files.image import read_pair
from oresort.files.write import replacing
from studies.command import run_study

STYLES = {"ore": (ORE, "-"), "waste": (WASTE, "--")}
ROWS, COLUMNS = slice(60, 540), slice(620, 1820)  # shown of the scan
SHOWN = 6  # particles below it
SIDE = 130  # pixels of the scan across each

Layer = NDArray[np.floating]


@dataclass
class Options:
    """Keys of the command."""

    demo: Path = Path("demo")  # what `make demo` has written
    out: Path = Path("docs")  # folder for sorted.jpg


def draw(low: Layer, high: Layer, found: pd.DataFrame) -> Figure:
    """Draw a piece of a sorted scan (H, W), and below it particles in both energies, the surest ore first.

    Layers are transmissions, 0 to about 1; `found` has `x`, `y`, `w`, `h` in pixels, `p_ore`, `decision`.
    """
    figure = Figure(figsize=(10, 6.6), dpi=100)
    grid = figure.add_gridspec(3, SHOWN, height_ratios=(2.35, 1, 1), hspace=0.04, wspace=0.04)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.995)
    belt = figure.add_subplot(grid[0, :])
    belt.imshow(low, cmap="gray", vmin=0, vmax=1.1, aspect="auto")
    belt.set(xlim=(COLUMNS.start, COLUMNS.stop), ylim=(ROWS.stop, ROWS.start))
    for x, y, w, h, p, decision in found.itertuples(index=False):
        colour, line = STYLES[decision]
        belt.add_patch(Rectangle((x - 3, y - 3), w + 6, h + 6, fill=False, ec=colour, ls=line, lw=2))
        belt.text(x + w + 6, y + 4, f"{p:.2f}", backgroundcolor=colour, color="white", fontsize=8, clip_on=True)
    whole = found[(found.y > SIDE / 2) & (found.y + found.h < len(low) - SIDE / 2)].sort_values("p_ore")
    places = np.linspace(len(whole) - 1, 0, SHOWN).astype(int)
    for k, (x, y, w, h, p, decision) in enumerate(whole.iloc[places].itertuples(index=False)):
        top, left = y + (h - SIDE) // 2, x + (w - SIDE) // 2
        for row, (name, layer) in enumerate((("low", low), ("high", high)), start=1):
            axes = figure.add_subplot(grid[row, k])
            axes.imshow(layer[top : top + SIDE, left : left + SIDE], cmap="gray", vmin=0, vmax=1.1)
            axes.text(4, 16, f"{name}  {p:.2f}", color=STYLES[decision][0])
    for axes in figure.axes:
        axes.set(xticks=[], yticks=[])
    return figure


def study(options: Options) -> pd.DataFrame:
    """Write the picture; return the decisions that it shows."""
    pair = read_pair(*(options.demo / "data" / f"scan_1_{layer}.tiff" for layer in ("low", "high")))
    decisions = pd.read_csv(options.demo / "sorted" / "decisions.csv")
    low, high = (layer / np.median(layer[:, slice(*BELT)]) for layer in pair)
    with replacing(options.out / "sorted.jpg") as temporary:  # noise makes a PNG five times as large
        draw(low, high, decisions).savefig(temporary, pil_kwargs={"quality": 88})
    return decisions


if __name__ == "__main__":
    run_study(Options, study)
