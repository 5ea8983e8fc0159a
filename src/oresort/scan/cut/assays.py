"""Assays: what is known of a scan's particles beforehand, a table of grades and masses by place."""

from pathlib import Path

import numpy as np
import pandas as pd

from oresort.errors import InputError
from oresort.files.reading import read_table
from oresort.scan.segment.particle import Particle

_NEEDED = ("x", "y", "w", "h", "grade")
_LEAST = 0.5  # intersection over union of the boxes from which a row and a particle are the same


def load_assays(path: Path) -> pd.DataFrame:
    """Read a table of particles: boxes `x, y, w, h` in the scan's pixels, `grade` (wt % Cu), `mass` (g, optional)."""
    table = read_table(path, _NEEDED)
    if "mass" not in table:
        table["mass"] = ""
    text: pd.DataFrame = table[[*_NEEDED, "mass"]].astype(str)
    values: pd.DataFrame = text.apply(pd.to_numeric, errors="coerce")
    unknown = (text == "") & ~text.columns.isin(_NEEDED)  # only a mass may be
    if not (unknown | ((values >= 0) & np.isfinite(values))).all(axis=None) or (values["grade"] > 100).any():
        raise InputError(f"{path}: an empty cell, one that is no number >= 0, or a grade above 100; complete the table")
    return values


def match_assay(table: pd.DataFrame | None, particle: Particle) -> tuple[float, float]:
    """Return grade and mass of a particle, NaN where no row's box overlaps it by half or more.

    A region that may hold several particles has no grade of its own.
    """
    if table is None or table.empty or particle.touching:
        return float("nan"), float("nan")
    x, y, w, h = table[["x", "y", "w", "h"]].to_numpy(np.float64).T  # (rows,) each
    wide = np.minimum(x + w, particle.x + particle.w) - np.maximum(x, particle.x)
    tall = np.minimum(y + h, particle.y + particle.h) - np.maximum(y, particle.y)
    both = np.maximum(wide, 0) * np.maximum(tall, 0)
    iou = both / (w * h + particle.w * particle.h - both)
    grade, mass = table[["grade", "mass"]].iloc[iou.argmax()] if iou.max() >= _LEAST else (np.nan, np.nan)
    return float(grade), float(mass)
