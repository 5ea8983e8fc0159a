"""What goes to which pile: the figures that a plant reports, with intervals over scans.

Formulas and names are those of the field: Wills and Finch (2016), Mineral Processing Technology, chapter 1, for yield,
recovery, enrichment and the two-product formula; Schulz (1970), Trans. SME-AIME 247, for the separation efficiency.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oresort.sorting.lot import Lot
from oresort.sorting.resample import Interval, Vector, drawn_scans, interval

CHALCOPYRITE = 34.6
"""wt % of copper in the mineral that holds it: no pile can be richer."""

OF_CLASS = ("mass_yield", "waste_rejection", "recovery", "mass_recovery", "waste_removal")
OF_METAL = (
    *("feed_grade", "product_grade", "tail_grade", "metal_recovery", "enrichment", "separation_efficiency"),
)  # fmt: skip

RESAMPLES = 1_000


class Figures(NamedTuple):
    """Figures by name, and why others are left out, by name."""

    found: dict[str, Interval]
    left_out: dict[str, str]


def balance(lot: Lot, kept: NDArray[np.bool_], mineral: float = CHALCOPYRITE, seed: int = 0) -> Figures:
    """Return the figures of a lot of which some particles (N,) are `kept` as product, and the others are tailings.

    All but grades (wt %) and `enrichment` are shares of 1. `mass_yield` is the product's share of the mass,
    `waste_rejection` the rest; `recovery` the share of ore particles in the product, `mass_recovery` that of their
    mass, `metal_recovery` that of all metal; `waste_removal` the share of the waste's mass in the tailings. Grades
    are the means by mass of feed, product and tailings, `enrichment` is product over feed. `separation_efficiency` is
    the recovery of metal less that of gangue, of which the `mineral` (wt % metal) is no part.
    """
    m, ore, mass = np.ones(len(lot)), lot.ore, lot.mass
    metal = np.zeros(len(lot)) if lot.grade is None else mass * lot.grade / 100
    columns = {
        **{"mass": mass, "kept": kept * mass, "ore": ore * m, "kept_ore": (kept & ore) * m, "ore_mass": ore * mass},
        **{"kept_ore_mass": (kept & ore) * mass, "waste": ~ore * mass, "thrown_waste": (~ore & ~kept) * mass},
        **{"metal": metal, "kept_metal": kept * metal},
    }
    codes, drawn = drawn_scans(lot.scan.tolist(), RESAMPLES, seed)
    s = {name: drawn @ np.bincount(codes, column, drawn.shape[1]) for name, column in columns.items()}  # (1 + B,) each
    found = {
        "mass_yield": _ratio(s["kept"], s["mass"]),
        "waste_rejection": 1 - _ratio(s["kept"], s["mass"]),
        "recovery": _ratio(s["kept_ore"], s["ore"]),
        "mass_recovery": _ratio(s["kept_ore_mass"], s["ore_mass"]),
        "waste_removal": _ratio(s["thrown_waste"], s["waste"]),
    }
    left_out: dict[str, str] = {}
    if lot.why_no_grade:
        left_out = dict.fromkeys(OF_METAL, lot.why_no_grade)
    else:
        feed, product = 100 * _ratio(s["metal"], s["mass"]), 100 * _ratio(s["kept_metal"], s["kept"])
        tail = 100 * _ratio(s["metal"] - s["kept_metal"], s["mass"] - s["kept"])
        found |= {
            "feed_grade": feed,
            "product_grade": product,
            "tail_grade": tail,
            "metal_recovery": _ratio(s["kept_metal"], s["metal"]),
            "enrichment": _ratio(product, feed),
            "separation_efficiency": schulz(found["mass_yield"], feed, product, mineral),
        }
    scans = drawn.shape[1]
    if lot.grade is not None and (richest := float(lot.grade.max(initial=0))) > mineral:
        found.pop("separation_efficiency", None)
        left_out["separation_efficiency"] = (
            f"a particle holds {richest:.4g} wt %, the mineral only {mineral:g}; see to mineral_grade"
        )
    intervals = {name: interval(values, scans) for name, values in found.items()}
    for name in [name for name, known in intervals.items() if np.isnan(known.value)]:
        left_out[name] = "a pile or a class of it is empty"
        del intervals[name]
    return Figures(intervals, left_out)


def schulz(mass_yield: Vector, feed: Vector, product: Vector, mineral: float) -> Vector:
    """Return Schulz's separation efficiency: recovery of metal less recovery of gangue; grades in wt %."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(mass_yield * mineral * (product - feed) / (feed * (mineral - feed)))


def two_product(feed: float, product: float, tail: float) -> tuple[float, float]:
    """Return mass yield and metal recovery that three assays (any one unit) alone tell of; NaN where they do not.

    The check of a plant's own assays: what belts weigh should give the same.
    """
    if not (min(feed, product, tail) >= 0 and feed > 0 and product != tail and min(product, tail) <= feed <= max(
        product, tail)):  # fmt: skip
        return np.nan, np.nan
    mass_yield = (feed - tail) / (product - tail)
    return mass_yield, mass_yield * product / feed


def _ratio(part: Vector, whole: Vector) -> Vector:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)
