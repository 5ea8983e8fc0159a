"""What do the two thresholds of parting cost and bring?

    python -m studies.segmentation.thresholds seeds=10

Writes `thresholds.csv` and `thresholds.png`.
"""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oresort.console.palette import VERMILION
from oresort.console.progress import track
from oresort.files.dataset import Cutting
from oresort.scan.segment.split import split_touching
from studies.command import run_study, save
from studies.segmentation.crowd import crowded_scan
from studies.segmentation.measure import CONDITIONS, chain
from studies.segmentation.score import score, shares

SEED = 100  # of the first scan; `studies.segmentation` measures the thresholds on others
COVERAGES = (0.2, 0.3)
CONVEXES = (0.90, 0.91, 0.92, 0.925, 0.93, 0.94)
NECKS = (0.85, 0.90, 0.93, 0.95)
SHARES = ["isolated", "flagged for nothing", "parted for nothing", "touching", "flagged", "merged silently", "apart"]


@dataclass
class Options:
    """Keys of the command."""

    out: Path = Path("experiments/segmentation")  # folder for the table and the picture
    seeds: int = 6  # scans of each kind


def study(options: Options) -> pd.DataFrame:
    """Score every pair of thresholds on the same scans; write the table and its picture, and return the table."""
    jobs = list(product(range(SEED, SEED + options.seeds), COVERAGES, ("nominal", "pressed")))
    scores = []
    for seed, coverage, name in track(jobs, len(jobs), "parting crowded belts"):
        scan = crowded_scan(seed, coverage, **CONDITIONS[name])
        calibration, regions = chain(scan, Cutting(split=False, crops="released"))
        for convex, neck in product(CONVEXES, NECKS):
            # the region's box around each part: scores only look at masks
            parts = [
                replace(region, mask=part.mask, touching=part.touching, parted=part.parted)
                for region in regions
                for part in split_touching(region.mask, convex=convex, neck=neck)
            ]
            scores.append(score(scan.labels, parts, calibration.belt).assign(convex=convex, neck=neck))
    groups = pd.concat(scores).groupby(["convex", "neck"])
    rows = [{"convex": convex, "neck": neck, **shares(group)} for (convex, neck), group in groups]
    result = pd.DataFrame(rows)[["convex", "neck", *SHARES]]
    save(options.out, {"thresholds.csv": result, "thresholds.png": draw(result)}, "%.4f")
    return result


def draw(table: pd.DataFrame) -> Figure:
    """Draw the four shares against `convex`, a line for each `neck`; the values in use are ringed."""
    figure = Figure(figsize=(9, 6), dpi=100, layout="constrained")
    axes: list[Axes] = figure.subplots(2, 2, sharex=True).ravel().tolist()
    for axis, name in zip(axes, ("flagged for nothing", "merged silently", "flagged", "apart"), strict=True):
        for (neck, group), grey in zip(table.groupby("neck"), ("0.75", "0.5", "0.25", "0.0"), strict=False):
            axis.plot(group["convex"], 100 * group[name], "o-", color=grey, ms=3, label=f"neck {neck:g}")
        used = table[np.isclose(table["convex"], Cutting.convex) & np.isclose(table["neck"], Cutting.neck)]
        axis.plot(used["convex"], 100 * used[name], "o", mfc="none", mec=VERMILION, ms=11)
        axis.set_title(f"{name}, % of {'isolated' if name == 'flagged for nothing' else 'touching'}", fontsize=10)
    for axis in axes[2:]:
        axis.set_xlabel("convex")
    axes[3].legend(frameon=False)
    return figure


if __name__ == "__main__":
    run_study(Options, study)
