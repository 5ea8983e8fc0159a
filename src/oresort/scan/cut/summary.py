"""One row for each prepared scan: what was found on it and how it was calibrated."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.segment.particle import FLAGS, Particle

_DIGITS = {"scale": 6, "centre": 1, "row_offset": 3, "residual": 4, "unregistered": 4}


def summary_row(
    name: str, lines: int, particles: Sequence[Particle], pairs: int, calibration: Calibration, origin: str
) -> dict[str, Any]:
    """Return a row of `summary.csv`: counts by flag, air (counts), noise of smoothed air, registration (pixels).

    Of all `particles` that were found, `pairs` were written; `origin` of the registration is `scan`, `pooled`,
    `file` or `none`, of which the last has no columns.
    """
    row: dict[str, Any] = {"scan": name, "lines": lines, "particles": len(particles), "pairs": pairs}
    row |= {flag: sum(getattr(particle, flag) for particle in particles) for flag in FLAGS}
    layers = {"low": calibration.low, "high": calibration.high}
    row |= {f"air_{layer}": round(columns.level, 1) for layer, columns in layers.items()}
    for layer, columns in layers.items():
        row[f"noise_{layer}"] = round(float(np.median(columns.noise[calibration.belt])), 5)
    row |= {f"dead_{layer}": int(columns.dead.sum()) for layer, columns in layers.items()}
    if calibration.registration is not None:
        for key, digits in _DIGITS.items():
            row[key] = round(getattr(calibration.registration, key), digits)
    return row | {"registration": origin}


def statistics(summary: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return least, median and greatest of what tells one sorter from another, over the scans of a summary."""
    known = [name for name in ("air_low", "air_high", "noise_low", "noise_high", "residual") if name in summary]
    table = summary[known].dropna(axis=1, how="all").agg(["min", "median", "max"])
    return {str(name): {str(what): float(value) for what, value in table[name].items()} for name in table}


def unlabelled_warning(unlabelled: pd.DataFrame, table: str) -> str:
    """Return the line that says why pairs have no label and what gives them one; `table` holds grades."""
    clumps = int(unlabelled["touching"].sum())
    others = len(unlabelled) - clumps
    reasons = []
    if clumps:
        reasons.append(f"{clumps} may hold several particles (flag touching), so no grade is theirs")
    if others:
        known = f"name the scans' folder <ore|waste>_<batch>, or give grades in {table}.csv"
        reasons.append(f"for {others} say label=ore or waste, {known}")
    where = "listed in unlabelled.csv rather than manifest.csv"
    return f"warning: {len(unlabelled)} without a label, {where}: {'; '.join(reasons)}"
