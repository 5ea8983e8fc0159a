"""Pairs of a dataset as a lot: what a model answered, beside the mass and grade of each."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.console.progress import track
from oresort.data.counts import read_counts, rows_of
from oresort.errors import InputError
from oresort.sorting.drift import PairFigures, pair_figures
from oresort.sorting.lot import Lot, check_grades
from oresort.sorting.resample import Vector


class Measured(NamedTuple):
    """A lot, and what images alone tell of its particles."""

    lot: Lot
    figures: dict[str, Vector]  # `density`, mean attenuation of the high layer, and `r`, each (N,); {} if not looked at


def lot_of(
    rows: pd.DataFrame, root: Path, p_ore: NDArray[np.float32], *, look: bool = False, rich: bool = False
) -> Measured:
    """Return rows of a manifest (N,) with the probabilities of ore (N,) that a model gave them.

    Masses are the manifest's where it has all of them, else attenuation summed over a particle's image, which is as
    much as the mass where rock is of one kind. Grades are known if the manifest has them all. Images are read only
    where a mass is lacking, or to `look` at them; `rich` lets a median grade above 20 wt % stand.

    Raises:
        InputError: an image that cannot be used, a mass of nothing, or grades that look like ppm.
    """
    grade, mass = rows["grade"].to_numpy(np.float64), rows["mass"].to_numpy(np.float64)
    check_grades(grade, f"{root}: grade", rich)
    from_manifest, assayed = bool(np.isfinite(mass).all()), int(np.isfinite(grade).sum())
    figures: dict[str, Vector] = {}
    if look or not from_manifest:
        columns = np.array(_measure(rows, root), np.float64).reshape(-1, len(PairFigures._fields))  # (N, 7)
        seen = dict(zip(PairFigures._fields, columns.T, strict=True))
        figures = {"density": seen["high_mean"], "r": seen["r"]}
        if not from_manifest:
            mass = seen["high_mean"] * seen["area"]
    try:
        lot = Lot(
            p_ore,
            rows["label"].to_numpy(np.int64) == 1,
            rows["scan"].to_numpy().astype(str),
            mass,
            "manifest" if from_manifest else "image",
            grade if assayed == len(grade) else None,
            assayed,
        )
    except InputError as error:
        raise InputError(f"{root}: {error}") from error
    return Measured(lot, figures)


def _measure(rows: pd.DataFrame, root: Path) -> list[PairFigures]:
    walk = track(rows_of(rows), len(rows), "weighing particles")
    return [pair_figures(*read_counts(root, row), row.air, row.background) for row in walk]
