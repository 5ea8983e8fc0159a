"""Of runs that are the same but for their day the newest counts; one that came to something else is named."""

import warnings

import pandas as pd

from oresort.sorting import METRICS
from oresort.tables.folds import FOLD

_APART = 1e-3  # of a figure: another processor moves one by less, other code by more


def newest(rows: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return of the runs of one `configuration`, seed and fold the newest one.

    Others are passed over; those whose figures of `split` are not the newest one's are warned of by name.
    """
    same = ["configuration", "seed", FOLD]
    rows = rows.sort_values("modified")
    figures = [key for name in METRICS if (key := f"{split}/{name}") in rows]
    numbers = rows[figures].apply(pd.to_numeric, errors="coerce")
    groups = [rows[key] for key in same]
    last = numbers.groupby(groups, dropna=False).transform("last")
    counts = rows.groupby(same, dropna=False)["run"].transform("last")
    other = ((numbers - last).abs() > _APART).any(axis=1)
    for run, kept in zip(rows.loc[other, "run"], counts[other], strict=True):
        text = (
            f"{run}: left out, for {kept} is newer and of the same pairs, settings and seed, but came to other figures"
        )
        warnings.warn(f"{text}; if the code was another, give one of the runs another name=", stacklevel=2)
    return rows.drop_duplicates(same, keep="last")
