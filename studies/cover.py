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
from oresort.files.image import read_pair
from oresort.files.write import replacing
from studies.command import run_study

STYLES = {"ore": ("#009E73", "-"), "waste": ("#D55E00", "--")}
ROWS, COLUMNS = slice(60, 540), slice(620, 1820)  # shown of the scan
SHOWN = 6  # particles below it
SIDE = 130  # pixels of the scan across each

Layer = NDArray[np.floating]


@dataclass
class Options:
    """Keys of the command."""

    demo: Path = Path("demo")  # what `make demo` has written
    out: Path = Path("docs")  # folder for sorted.jpg


def draw(low: Layer, high: Layer, decisions: pd.DataFrame) -> Figure:
    """Draw a piece of a sorted scan, and below it particles in both energies, the surest ore first.

    Args:
        low: transmission (H, W), 0 to about 1.
        high: of the same size.
        decisions: `x`, `y`, `w`, `h` in pixels, `decision`, `p_ore`.
    """
    figure = Figure(figsize=(10, 6.6), dpi=100)
    grid = figure.add_gridspec(3, SHOWN, height_ratios=(2.35, 1, 1), hspace=0.04, wspace=0.04)
    figure.subplots_adjust(0.005, 0.005, 0.995, 0.995)
    belt = figure.add_subplot(grid[0, :])
    belt.imshow(low, cmap="gray", vmin=0, vmax=1.1, aspect="auto")
    belt.set(xlim=(COLUMNS.start, COLUMNS.stop), ylim=(ROWS.stop, ROWS.start))
    for found in decisions.to_dict("records"):
        colour, line = STYLES[found["decision"]]
        corner = (found["x"] - 3, found["y"] - 3)
        belt.add_patch(
            Rectangle(corner, found["w"] + 6, found["h"] + 6, fill=False, ec=colour, ls=line, lw=2)
        )
        belt.text(
            found["x"] + found["w"] + 6, found["y"] + 4, f"{found['p_ore']:.2f}",
            color="white", fontsize=8, backgroundcolor=colour, clip_on=True,
        )  # fmt: skip
    whole = decisions[(decisions.y > SIDE / 2) & (decisions.y + decisions.h < len(low) - SIDE / 2)]
    ranked = whole.sort_values("p_ore", ascending=False)
    places = np.linspace(0, len(ranked) - 1, SHOWN).astype(int)
    for k, found in enumerate(ranked.iloc[places].to_dict("records")):
        top, left = found["y"] + (found["h"] - SIDE) // 2, found["x"] + (found["w"] - SIDE) // 2
        for row, layer in enumerate((low, high), start=1):
            axes = figure.add_subplot(grid[row, k])
            axes.imshow(layer[top : top + SIDE, left : left + SIDE], cmap="gray", vmin=0, vmax=1.1)
            axes.text(
                4, 16, f"{('low', 'high')[row - 1]}  {found['p_ore']:.2f}", color=STYLES[found["decision"]][0]
            )
    for axes in figure.axes:
        axes.set(xticks=[], yticks=[])
    return figure


def study(options: Options) -> pd.DataFrame:
    """Write the picture; return the decisions that it shows."""
    data = options.demo / "data"
    low, high = read_pair(data / "scan_1_low.tiff", data / "scan_1_high.tiff")
    decisions = pd.read_csv(options.demo / "sorted" / "decisions.csv")
    air = (np.median(layer[:, slice(*BELT)]) for layer in (low, high))
    transmissions = [layer / level for layer, level in zip((low, high), air, strict=True)]
    with replacing(options.out / "sorted.jpg") as temporary:  # noise makes a PNG five times as large
        draw(transmissions[0], transmissions[1], decisions).savefig(temporary, pil_kwargs={"quality": 88})
    return decisions


if __name__ == "__main__":
    run_study(Options, study)
