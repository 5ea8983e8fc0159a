"""How well are particles found on crowded simulated belts?

    python -m studies.segmentation seeds=5

Writes `table.csv`, `table.png`, and pictures of masks and of one calibration.
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oresort.console.palette import BLUE, SKY, VERMILION
from oresort.console.progress import track
from oresort.scan.draw.calibration import draw_profiles
from oresort.scan.draw.masks import draw_masks
from studies.command import run_study, save
from studies.segmentation.crowd import crowded_scan
from studies.segmentation.measure import CONDITIONS, measure
from studies.segmentation.score import shares

COVERAGES = (0.1, 0.2, 0.3)
SEED = 2000  # of the first scan; `studies.segmentation.thresholds` chose the thresholds of parting on other seeds


@dataclass
class Options:
    """Keys of the command."""

    out: Path = Path("experiments/segmentation")  # folder for the table and the pictures
    seeds: int = 5  # scans of each condition and coverage


def summarise(scores: pd.DataFrame, errors: pd.DataFrame) -> dict[str, Any]:
    """Return one row of the table: shares of true particles, and the worst errors of the scans."""
    worst = {f"worst {name}": errors[name].max() for name in ("air error", "registration error")}
    return {name: share for name, share in shares(scores).items() if name != "parted for nothing"} | worst


def study(options: Options) -> pd.DataFrame:
    """Measure all conditions, write table and pictures, and return the table."""
    jobs = list(product(COVERAGES, CONDITIONS, range(options.seeds)))
    scores, errors = [], []
    for number, (coverage, name, seed) in enumerate(track(jobs, len(jobs), "segmenting crowded belts")):
        # rocks of its own for every scan, so that the rows' counts can be added up
        scan = crowded_scan(SEED + number, coverage, **CONDITIONS[name])
        error, table, particles, calibration = measure(scan)
        row = {"coverage": f"{coverage:g}", "condition": name}
        scores.append(table.assign(**row))
        errors.append(row | error)
        if name == "pressed" and seed == 0:
            masks = draw_masks(scan.low, particles, calibration.low.level, scan.labels, left=700)
            save(options.out, {f"coverage_{coverage:g}.png": masks})
        if name == "nominal" and seed == 0 and coverage == COVERAGES[1]:
            save(options.out, {"profiles.png": draw_profiles(calibration)})
    table = tabulate(pd.concat(scores), pd.DataFrame(errors))
    save(options.out, {"table.csv": table, "table.png": draw_shares(table.iloc[:-1])}, "%.4f")
    return table


def tabulate(scores: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Return one row per coverage and condition, and one over all."""
    keys = ["coverage", "condition"]
    faults = dict(list(errors.groupby(keys, sort=False)))
    parts = scores.groupby(keys, sort=False)
    rows = [dict(zip(keys, key, strict=True)) | summarise(part, faults[key]) for key, part in parts]
    return pd.DataFrame([*rows, dict.fromkeys(keys, "all") | summarise(scores, errors)])


def draw_shares(table: pd.DataFrame) -> Figure:
    """Draw the shares of all rows, a panel each, with the targets as lines."""
    figure = Figure(figsize=(11, 6.5), dpi=100, layout="constrained")
    panels: list[Axes] = figure.subplots(2, 3, sharey=True).ravel().tolist()
    names = ("IoU >= 0.9", "flagged for nothing", "apart", "flagged", "merged silently")
    targets = {"IoU >= 0.9": 99.0, "merged silently": 2.0}
    conditions = list(CONDITIONS)
    for axes, name in zip(panels, (*names, "worst registration error"), strict=True):
        coverages = zip(table.groupby("coverage"), (SKY, BLUE, "black"), strict=False)
        for step, ((coverage, group), colour) in enumerate(coverages):
            places = [conditions.index(condition) + 0.2 * (step - 1) for condition in group["condition"]]
            share = group[name] if "error" in name else 100 * group[name]
            axes.plot(share, places, "o", ms=4, color=colour, label=f"coverage {coverage}")
        if name in targets:
            axes.axvline(targets[name], color=VERMILION, lw=0.8)
        axes.set_title(f"{name}, pixels" if "error" in name else f"{name}, %", fontsize=10)
        axes.set_yticks(range(len(conditions)), conditions)
    panels[0].invert_yaxis()
    panels[0].legend(frameon=False, fontsize=8)
    return figure


if __name__ == "__main__":
    run_study(Options, study)
