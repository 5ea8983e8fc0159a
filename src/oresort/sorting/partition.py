"""The partition curve of Tromp (1937): which share of the particles of a grade goes to the product."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.balance import Figures
from oresort.sorting.lot import Lot
from oresort.sorting.resample import Vector, drawn_scans, interval

RESAMPLES = 200
_CLASSES = 10
_STEEPEST = 60.0  # of a slope, by which grades of 0.04 decades are parted wholly: the piles do not overlap


class Partition(NamedTuple):
    """Partition numbers of classes of grade, and the curve through all particles."""

    grade: Vector  # of each class (C,), geometric mean, wt %
    number: Vector  # share of its mass in the product (C,)
    figures: Figures  # `cut_grade` (wt %), `ep` and `bias` (decades of grade)


def partition(lot: Lot, kept: NDArray[np.bool_], wanted: float | None = None, seed: int = 0) -> Partition:
    """Return the partition curve of a lot over the logarithm of its grade, weighed by mass.

    The curve is logistic: P = 1 / (1 + exp(-ln3 (x - x50) / Ep)), x = log10 of the grade, fitted by maximum
    likelihood. `cut_grade` is the grade of which half is kept (x50), `ep` = (x75 - x25) / 2, `bias` = x50 less the
    logarithm of the grade at which the cut was `wanted` (wt %). Particles without metal have no logarithm, and are
    left out.
    """
    names = ("cut_grade", "ep", "bias")
    nothing = np.zeros(0)
    if lot.grade is None or not lot.grade.any():
        return Partition(nothing, nothing, Figures({}, dict.fromkeys(names, lot.why_no_grade)))
    some = lot.grade > 0
    x, y, mass = np.log10(lot.grade[some]), kept[some].astype(np.float64), lot.mass[some]
    codes, drawn = drawn_scans(lot.scan[some].tolist(), RESAMPLES, seed)
    rows = np.array([_fit(x, y, counts[codes] * mass) for counts in drawn])  # (1 + B, 2)
    middle, ep = rows.T
    columns = {"cut_grade": 10**middle, "ep": ep}
    left_out: dict[str, str] = {}
    if wanted is not None and wanted > 0:
        columns["bias"] = middle - np.log10(wanted)
    else:
        left_out["bias"] = "no grade is known at which the cut should be; give prices=FILE"
    found = {name: interval(values, drawn.shape[1]) for name, values in columns.items()}
    for name in [name for name, known in found.items() if np.isnan(known.value)]:
        left_out[name] = "the piles do not overlap in grade, or the richer is thrown out"
        del found[name]
    order = np.argsort(x, kind="stable")
    parts = [part for part in np.array_split(order, _CLASSES) if len(part)]
    number = np.array([np.average(y[part], weights=mass[part]) for part in parts])
    return Partition(np.array([10 ** float(x[part].mean()) for part in parts]), number, Figures(found, left_out))


def partition_number(grade: Vector, cut_grade: float, ep: float) -> Vector:
    """Return which share of each grade (wt %, above 0) the logistic curve of `partition` keeps."""
    above = (np.log10(grade) - np.log10(cut_grade)) / ep
    return np.asarray(1 / (1 + np.exp(-(np.log(3) * above).clip(-500, 500))))


def _fit(x: Vector, y: Vector, weight: Vector) -> tuple[float, float]:
    """Return x50 and Ep of the likeliest logistic curve; NaN where there is none, or one that falls."""
    total = weight.sum()
    if not total or not 0 < (weight * y).sum() < total:
        return np.nan, np.nan
    centre, spread = float(np.average(x, weights=weight)), float(x.std()) or 1.0
    z, w = (x - centre) / spread, weight / total
    a, b = 0.0, 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-(a + b * z).clip(-500, 500)))
        slope, bend = w * (y - p), w * p * (1 - p)
        h = np.array([[bend.sum(), (bend * z).sum()], [(bend * z).sum(), (bend * z * z).sum()]])
        if np.linalg.det(h) < 1e-14:
            return np.nan, np.nan
        step = np.linalg.solve(h, np.array([slope.sum(), (slope * z).sum()])).clip(-5, 5)
        a, b = a + step[0], b + step[1]
        if np.abs(step).max() < 1e-9:
            break
    else:
        return np.nan, np.nan
    if not 1e-6 < b / spread < _STEEPEST:
        return np.nan, np.nan
    return centre - a / b * spread, float(np.log(3)) * spread / b
