"""The operating point of a run: refused early where no model could have it, and kept with the best one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from oresort.console.counted import counted
from oresort.errors import InputError
from oresort.learn.checkpoint import remember
from oresort.learn.evaluation import Evaluation
from oresort.learn.lot import lot_of
from oresort.sorting.operating import Operating
from oresort.sorting.point import check_operating, choose_point
from oresort.sorting.prices import Prices


def check_reach(rule: str | float, operating: Operating, prices: Prices | None, index: pd.DataFrame) -> None:
    """Refuse a threshold that no model could have by a manifest's validation pairs, and pairs of one class alone.

    Raises:
        InputError: as `check_operating`; training or validation pairs without ore or without waste.
    """
    for side in ("train", "val"):
        part = index[index["split"] == side]
        for name, number in (("ore", 1), ("waste", 0)):
            if not (part["label"] == number).any():
                known = part["grade"].dropna()
                ends = dict.fromkeys(f"{end:.3g}" for end in (known.min(), known.max()))
                span = f", which are of {' to '.join(ends)} wt %" if len(known) else ""
                raise InputError(
                    f"no {name} among {counted(len(part), 'pair')} of {side}{span}: nothing tells both classes apart; "
                    "give another cutoff, or more pairs"
                )
    val = index[index["split"] == "val"]
    held = val["grade"] > 0 if operating.of == "metal" else val["label"] == 1
    grades = bool(val["grade"].notna().all()) and bool((val["grade"] > 0).any())
    check_operating(rule, operating, int((val["label"] == 1).sum()), val["scan"][held].nunique(), grades, prices)


def decide_best(
    best: Path, val: Evaluation, rule: str | float, operating: Operating, band: float, prices: Prices | None
) -> None:
    """Let the best checkpoint know its validation pairs, and its operating point as they choose it, with a band.

    Raises:
        InputError: as `choose_point` and `lot_of`.
    """
    lot = lot_of(val.pairs, val.root, val.predictions["p_ore"].to_numpy(np.float32)).lot
    point = replace(choose_point(rule, lot, operating, prices), band=band)
    if rule not in ("recovery", "value"):
        # the epoch's own, which has chosen it from all processes' answers
        point = replace(point, threshold=val.threshold)
    remember(best, lot, point, val.graded)
