"""The pairs worth a picture: the surest that are right, the surest that are wrong, the most unsure."""

import difflib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError

RIGHT, WRONG, UNSURE, ASKED = "surest right", "surest wrong", "most unsure", "asked for"


def galleries(
    p_ore: NDArray[np.float32], called: NDArray[np.bool_], ore: NDArray[np.bool_], threshold: float, count: int
) -> dict[str, list[int]]:
    """Return the places of at most `count` pairs of each gallery, of N pairs with `p_ore` (N,), the first first.

    `called` (N,) are the decisions, `ore` (N,) the labels. Of right and wrong ones half are called ore, if there are
    as many: one class may be surer than the other throughout.
    """
    sure = np.where(called, p_ore, 1 - p_ore)
    found = {}
    for name, chosen in ((RIGHT, called == ore), (WRONG, called != ore)):
        sides = [np.flatnonzero(chosen & (called == side)) for side in (True, False)]
        ranked = [side[np.argsort(-sure[side], kind="stable")] for side in sides]
        counts = [max((count + 1) // 2, count - len(ranked[1])), max(count // 2, count - len(ranked[0]))]
        both = np.concatenate([side[:n] for side, n in zip(ranked, counts, strict=True)])
        found[name] = both[np.argsort(-sure[both], kind="stable")][:count].tolist()
    found[UNSURE] = np.argsort(np.abs(p_ore - threshold), kind="stable")[:count].tolist()
    return found


def places_of(ids: Sequence[str], frame: pd.DataFrame, split: str) -> list[int]:
    """Return the places of pairs by id in the rows of a split.

    Raises:
        InputError: an id that is not there; the message names the nearest ones.
    """
    known = {str(name): place for place, name in enumerate(frame["id"])}
    for name in ids:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.0)
            raise InputError(f"ids: {name} is no pair of split={split}; nearest are {', '.join(near) or 'none'}")
    return [known[name] for name in ids]
