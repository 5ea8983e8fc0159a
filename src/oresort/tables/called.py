"""What the rows of a report's tables are called."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from oresort.learn.naming import ends, named_by

SIDES = ("name", "scale", "recipe", "data")  # what rows of one experiment's table have in common
METHOD = "method._target_"  # which only classical sorters have
OF_PAIRS = (
    "data.limit",
    "data.labelled",
    "data.split",
    "data.folds",
    "data.split_seed",
)  # which the hash of the pairs tells, too


def called(table: pd.DataFrame, differing: Sequence[str], keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what the rows of a table are called, and which of the `differing` keys of its networks no name tells.

    That is what their experiment calls them, with keys where it calls two alike, or else keys: of networks and of
    classical sorters those that tell them apart among themselves. All `keys` of the first of a row's runs are `first`.
    """
    table = table.reset_index(drop=True)
    names: list[str] = table["title"].tolist()
    untold: list[str] = []
    of_pairs = [*OF_PAIRS]
    table[of_pairs] = table.groupby("data", dropna=False)[of_pairs].transform("first").replace("null", np.nan)
    folders = _folders(table)
    # figures of other pairs: names must say so
    of_pairs = [key for key in of_pairs if len({str(value) for value in table[key]}) > 1]
    of_pairs += ["data"] if folders.nunique() > 1 else []
    for classic in (False, True):
        own = table[~table["is_named"] & (table["is_classic"] == classic)]
        several = [key for key in differing if own[key].dropna().astype(str).nunique() > 1 and key not in OF_PAIRS]
        rows: Any = own.assign(data=folders[own.index]).to_dict("records")  # keys are text
        found, left = named_by(rows, several, [*([METHOD] if classic else []), *of_pairs])
        untold += left if not classic else []
        for place, name in zip(own.index, found, strict=True):
            twin = found.count(name) > 1  # the dataset itself has changed
            names[place] = f"{name}, pairs {own['data'][place]}" if twin else name
    for _, own in table[table["is_named"]].groupby("title"):
        if len(own) > 1:
            rows = [{"name": title, **first} for title, first in zip(own["title"], own["first"], strict=True)]
            for place, name in zip(own.index, named_by(rows, keys)[0], strict=True):
                if name != names[place]:
                    names[place] = f"{names[place]}, {name}"
    return names, untold


def _folders(table: pd.DataFrame) -> "pd.Series[str]":
    """Return by row in which folders its pairs were found, all of them: a dataset that was moved is the same one."""
    roots = list(dict.fromkeys(root for row in table["roots"] for root in row))
    short = dict(zip(roots, ends(roots), strict=True))
    found: dict[object, list[str]] = {}
    for data, row in zip(table["data"], table["roots"], strict=True):
        found.setdefault(data, []).extend(short[root] for root in row)
    return table["data"].map(lambda data: " and ".join(sorted(set(found[data]))))
