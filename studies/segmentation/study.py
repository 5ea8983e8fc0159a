"""`python -m studies.segmentation.study OUT`: how well particles are found on crowded simulated belts."""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oresort.belt.scan import Scan
from oresort.belt.sorter import AXIS, BELT
from oresort.console.progress import track
from oresort.console.show import show
from oresort.files.lines import PairReader
from oresort.files.write import replacing
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.measure import calibrate, fit_samples
from oresort.scan.cut.crop import Options
from oresort.scan.cut.cutter import cut_scan
from oresort.scan.draw.calibration import draw_profiles
from oresort.scan.draw.masks import draw_masks
from oresort.scan.segment.particle import Particle
from studies.segmentation.crowd import crowded_scan
from studies.segmentation.score import score

COVERAGES = (0.1, 0.2, 0.3)

SEED = 2000
"""Of the first scan; the thresholds of `split` were chosen on other seeds, by `study_split`."""

CONDITIONS: dict[str, dict[str, float]] = {
    "nominal": {},
    "140 kV": {"kvp": 140.0},
    "180 kV": {"kvp": 180.0},
    "half the quanta": {"exposure": 0.5},
    "little misregistration": {"scale": 1.005, "shift": 0.0},
    "much misregistration": {"scale": 1.011, "shift": 0.5},
    "pressed": {"overlap": 0.10},
}
"""What differs from the sorter as calibrated; `pressed` lets a tenth of a shadow lie on others."""


def chain(scan: Scan, options: Options = Options()) -> tuple[Calibration, list[Particle]]:  # noqa: B008  # immutable
    """Run the whole chain on a simulated scan written to disk; it is told nothing of the simulation."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"scan_{layer}.tiff" for layer in ("low", "high")]
        for path, counts in zip(paths, (scan.low, scan.high), strict=True):
            tifffile.imwrite(path, counts, compression="lzw", predictor=True, rowsperstrip=1)
        with PairReader(paths[0], paths[1]) as reader:
            calibration, sample = calibrate(reader)
            calibration = replace(calibration, registration=fit_samples([sample]))
            return calibration, [cut.particle for cut in cut_scan(reader, calibration, options)]


def measure(scan: Scan) -> tuple[dict[str, Any], pd.DataFrame, list[Particle], Calibration]:
    """Measure what the whole chain makes of a simulated scan.

    Returns:
        Errors of air (relative, worst layer) and registration (pixels, worst over the belt), the scores of
        `score`, the particles found, and the calibration.
    """
    calibration, particles = chain(scan)
    fit = calibration.registration
    assert fit is not None  # `chain` registers
    settings = scan.settings
    columns = np.arange(*BELT)
    across = fit.scale * columns + fit.column_offset - (AXIS + settings.scale * (columns - AXIS))
    levels = calibration.low.level, calibration.high.level
    errors = {
        "air error": max(abs(level / air - 1) for level, air in zip(levels, settings.air, strict=True)),
        "registration error": max(float(np.abs(across).max()), abs(fit.row_offset - settings.shift)),
    }
    return errors, score(scan.labels, particles, calibration.belt), particles, calibration


def summarise(scores: pd.DataFrame, errors: pd.DataFrame) -> dict[str, Any]:
    """Return one row of the table: shares of true particles, and the worst errors of the scans."""
    isolated = scores[scores["kind"] == "isolated"]
    touching = scores[scores["kind"] == "touching"]
    apart = (touching["iou"] >= 0.75) & ~touching["flagged"]
    return {
        "isolated": len(isolated),
        "IoU >= 0.9": (isolated["iou"] >= 0.9).mean(),
        "median IoU": isolated["iou"].median(),
        "flagged for nothing": isolated["flagged"].mean(),
        "touching": len(touching),
        "apart": apart.mean(),
        "flagged": touching["flagged"].mean(),
        "merged silently": touching["merged"].mean(),
        "otherwise wrong": (~apart & ~touching["flagged"] & ~touching["merged"]).mean(),
        "worst air error": errors["air error"].max(),
        "worst registration error": errors["registration error"].max(),
    }


def run(out: Path, seeds: int) -> pd.DataFrame:
    """Measure all conditions, write `table.csv` and the pictures to `out`, and return the table."""
    jobs = [(coverage, name, seed) for coverage in COVERAGES for name in CONDITIONS for seed in range(seeds)]
    scores, errors = [], []
    for number, (coverage, name, seed) in enumerate(track(jobs, len(jobs), "segmenting crowded belts")):
        # rocks of its own for every scan, so that the rows' counts can be added up
        scan = crowded_scan(SEED + number, coverage, **CONDITIONS[name])
        error, table, particles, calibration = measure(scan)
        scores.append(table.assign(coverage=coverage, condition=name))
        errors.append({"coverage": coverage, "condition": name, "seed": seed, **error})
        if name == "pressed" and seed == 0:
            with replacing(out / f"coverage_{coverage:g}.png") as part:
                draw_masks(scan.low, particles, calibration.low.level, scan.labels, left=700).savefig(part)
        if name == "nominal" and seed == 0 and coverage == COVERAGES[1]:
            with replacing(out / "profiles.png") as part:
                draw_profiles(calibration).savefig(part)
    all_scores, all_errors = pd.concat(scores), pd.DataFrame(errors)
    rows = []
    for coverage, name in dict.fromkeys((coverage, name) for coverage, name, _ in jobs):
        mine = [(f["coverage"] == coverage) & (f["condition"] == name) for f in (all_scores, all_errors)]
        row = summarise(all_scores[mine[0]], all_errors[mine[1]])
        rows.append({"coverage": f"{coverage:g}", "condition": name, **row})
    rows.append({"coverage": "all", "condition": "all", **summarise(all_scores, all_errors)})
    table = pd.DataFrame(rows)
    with replacing(out / "table.csv") as part:
        table.to_csv(part, index=False, float_format="%.4f")
    with replacing(out / "table.png") as part:
        draw_shares(table.iloc[:-1]).savefig(part)
    return table


def draw_shares(table: pd.DataFrame) -> Figure:
    """Draw the shares of all rows, a panel each, with the targets as lines."""
    figure = Figure(figsize=(11, 6.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels: list[Axes] = figure.subplots(2, 3, sharey=True).ravel().tolist()
    names = ("IoU >= 0.9", "flagged for nothing", "apart", "flagged", "merged silently")
    targets = {"IoU >= 0.9": 99.0, "merged silently": 2.0}
    conditions = list(CONDITIONS)
    for axes, name in zip(panels, (*names, "worst registration error"), strict=True):
        for step, ((coverage, group), colour) in enumerate(
            zip(table.groupby("coverage"), ("#56B4E9", "#0072B2", "black"), strict=False)
        ):
            places = [conditions.index(condition) + 0.2 * (step - 1) for condition in group["condition"]]
            share = group[name] if "error" in name else 100 * group[name]
            axes.plot(share, places, "o", ms=4, color=colour, label=f"coverage {coverage}")
        if name in targets:
            axes.axvline(targets[name], color="#D55E00", lw=0.8)
        axes.set_title(f"{name}, pixels" if "error" in name else f"{name}, %", fontsize=10)
        axes.set_yticks(range(len(conditions)), conditions)
    panels[0].invert_yaxis()
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the table and the pictures")
    parser.add_argument("--seeds", type=int, default=5, help="scans of each condition")
    options = parser.parse_args()
    table = run(options.out, options.seeds)
    show(table.map(lambda cell: f"{cell:.4f}" if isinstance(cell, float) else cell), str(options.out))


if __name__ == "__main__":
    main()
