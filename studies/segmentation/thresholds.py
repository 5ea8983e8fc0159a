"""`python -m studies.segmentation.thresholds OUT`: what the two thresholds of parting cost and bring."""

import argparse
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oresort.console.progress import track
from oresort.console.show import show
from oresort.files.write import replacing
from oresort.scan.cut.crop import Options
from oresort.scan.segment.particle import Particle
from oresort.scan.segment.split import CONVEX, NECK, split_touching
from studies.segmentation.crowd import crowded_scan
from studies.segmentation.score import score
from studies.segmentation.study import CONDITIONS, chain

SEED = 100
"""Of the first scan; `study` measures the thresholds on others."""

COVERAGES = (0.2, 0.3)
CONVEXES = (0.90, 0.91, 0.92, 0.925, 0.93, 0.94)
NECKS = (0.85, 0.90, 0.93, 0.95)


def part(regions: list[Particle], convex: float, neck: float) -> Iterator[Particle]:
    """Yield the particles into which thresholds part the regions of a scan."""
    for region in regions:
        for found in split_touching(region.mask, convex=convex, neck=neck):
            # the region's box around each part: scores only look at masks
            yield Particle(
                region.x, region.y, region.w, region.h, region.cut, found.mask, found.touching, found.parted
            )


def run(out: Path, seeds: int) -> pd.DataFrame:
    """Score every pair of thresholds on `seeds` scans of each kind; write `thresholds.csv` and `.png`."""
    jobs = list(product(range(SEED, SEED + seeds), COVERAGES, ("nominal", "pressed")))
    scores = []
    for seed, coverage, name in track(jobs, len(jobs), "parting crowded belts"):
        scan = crowded_scan(seed, coverage, **CONDITIONS[name])
        calibration, regions = chain(scan, Options(split=False, registered=False))
        for convex, neck in product(CONVEXES, NECKS):
            table = score(scan.labels, list(part(regions, convex, neck)), calibration.belt)
            scores.append(table.assign(convex=convex, neck=neck))
    rows = []
    every = pd.concat(scores)
    for convex, neck in product(CONVEXES, NECKS):
        group = every[(every["convex"] == convex) & (every["neck"] == neck)]
        isolated, touching = (group[group["kind"] == kind] for kind in ("isolated", "touching"))
        rows.append(
            {
                "convex": convex,
                "neck": neck,
                "isolated": len(isolated),
                "flagged for nothing": isolated["flagged"].mean(),
                "parted for nothing": isolated["parted"].mean(),
                "touching": len(touching),
                "flagged": touching["flagged"].mean(),
                "merged silently": touching["merged"].mean(),
                "apart": ((touching["iou"] >= 0.75) & ~touching["flagged"]).mean(),
            }
        )
    result = pd.DataFrame(rows)
    with replacing(out / "thresholds.csv") as temporary:
        result.to_csv(temporary, index=False, float_format="%.4f")
    with replacing(out / "thresholds.png") as temporary:
        draw(result).savefig(temporary)
    return result


def draw(table: pd.DataFrame) -> Figure:
    """Draw the four shares against `convex`, a line for each `neck`; the values in use are ringed."""
    figure = Figure(figsize=(9, 6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes: list[Axes] = figure.subplots(2, 2, sharex=True).ravel().tolist()
    for axis, name in zip(axes, ("flagged for nothing", "merged silently", "flagged", "apart"), strict=True):
        for (neck, group), grey in zip(table.groupby("neck"), ("0.75", "0.5", "0.25", "0.0"), strict=False):
            axis.plot(group["convex"], 100 * group[name], "o-", color=grey, ms=3, label=f"neck {neck:g}")
        used = table[np.isclose(table["convex"], CONVEX) & np.isclose(table["neck"], NECK)]
        axis.plot(used["convex"], 100 * used[name], "o", mfc="none", mec="#D55E00", ms=11)
        axis.set_title(
            f"{name}, % of {'isolated' if name == 'flagged for nothing' else 'touching'}", fontsize=10
        )
    for axis in axes[2:]:
        axis.set_xlabel("convex")
    axes[3].legend(frameon=False)
    return figure


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the table and the picture")
    parser.add_argument("--seeds", type=int, default=6, help="scans of each kind")
    options = parser.parse_args()
    table = run(options.out, options.seeds)
    show(table.map(lambda cell: f"{cell:.4f}" if isinstance(cell, float) else cell), str(options.out))


if __name__ == "__main__":
    main()
