"""The pairs that a page of an evaluation lists one by one."""

from typing import Any

import numpy as np
import pandas as pd

_CASES = 12  # of each kind
_CASE = ("id", "scan", "label", "p_ore", "grade")


def cases(pairs: pd.DataFrame, threshold: float) -> dict[str, list[dict[str, Any]]]:
    """Return the pairs that are `surest_right`, `surest_wrong` and `most_unsure`, by `p_ore` less the threshold.

    The distance counts as a share of the way to certainty, so that both classes are represented.
    """
    away = pairs["p_ore"].to_numpy(np.float64) - threshold
    right = (pairs["label"] == "ore").to_numpy() == (away >= 0)
    sure = np.abs(away) / np.where(away >= 0, max(1 - threshold, 1e-9), max(threshold, 1e-9))
    order = np.argsort(-sure, kind="stable")
    chosen = {
        "surest_right": order[right[order]],
        "surest_wrong": order[~right[order]],
        "most_unsure": order[::-1],
    }
    table = pairs.reindex(columns=_CASE)
    table = table.assign(grade=table["grade"].astype(object).where(table["grade"].notna(), None))
    return {kind: table.iloc[rows[:_CASES]].to_dict("records") for kind, rows in chosen.items()}
