"""One row for each prepared scan: what was found on it and how it was calibrated."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.segment.particle import FLAGS, Particle

SHOWN = ("scan", "lines", "particles", "pairs", *FLAGS, "scale", "row_offset", "residual", "registration")
"""Columns of the summary that go on the screen."""


def summary_row(
    name: str, lines: int, particles: Sequence[Particle], pairs: int, calibration: Calibration, origin: str
) -> dict[str, Any]:
    """Return a row of `summary.csv`: counts by flag, air (counts), noise of smoothed air, registration (pixels).

    Args:
        name: the scan's.
        lines: of the scan.
        particles: all that were found.
        pairs: how many of them were written.
        calibration: of this scan; without a registration its columns are left out.
        origin: of the registration, `scan`, `pooled`, `file` or `none`.
    """
    row: dict[str, Any] = {"scan": name, "lines": lines, "particles": len(particles), "pairs": pairs}
    row |= {flag: sum(getattr(particle, flag) for particle in particles) for flag in FLAGS}
    row |= {"air_low": round(calibration.low.level, 1), "air_high": round(calibration.high.level, 1)}
    belt = calibration.belt
    for layer in ("low", "high"):
        row[f"noise_{layer}"] = round(float(np.median(getattr(calibration, layer).noise[belt])), 5)
    row |= {"dead_columns": int(calibration.low.dead.sum() + calibration.high.dead.sum())}
    fit = calibration.registration
    if fit is not None:
        row |= {"scale": round(fit.scale, 6), "centre": round(fit.centre, 1)}
        row |= {"row_offset": round(fit.row_offset, 3), "residual": round(fit.residual, 4)}
        row |= {"unregistered": round(fit.unregistered, 4)}
    return row | {"registration": origin}


def statistics(summary: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return least, median and greatest of what tells one sorter from another, over the scans of a summary."""
    known = [name for name in ("air_low", "air_high", "noise_low", "noise_high", "residual") if name in summary]
    return {
        name: {what: float(summary[name].agg(what)) for what in ("min", "median", "max")}
        for name in known
        if summary[name].notna().any()
    }


def unlabelled_warning(unlabelled: pd.DataFrame, table: str) -> str:
    """Return the line that says why pairs have no label and what gives them one.

    Args:
        unlabelled: their rows of the manifest, one or more.
        table: pattern of the tables of grades.
    """
    clumps = int(unlabelled["touching"].sum())
    others = len(unlabelled) - clumps
    reasons = []
    if clumps:
        reasons.append(f"{clumps} may hold several particles (flag touching), so no grade is theirs")
    if others:
        reasons.append(
            f"for {others} say label=ore or waste, name the scans' folder <ore|waste>_<batch>, or give grades "
            f"in {table}.csv"
        )
    return (
        f"warning: {len(unlabelled)} without a label, listed in unlabelled.csv rather than manifest.csv: "
        + "; ".join(reasons)
    )
