"""Fewer pairs of a dataset, for trials on a small machine."""

import numpy as np
import pandas as pd

from oresort.errors import InputError


def limit_pairs(frame: pd.DataFrame, limit: int, seed: int) -> pd.DataFrame:
    """Return at most `limit` pairs of a manifest with splits, in whole scans.

    Scans are drawn by `seed` within each split and class (a scan of both classes counts by its larger one), so
    that the shares of splits and classes stay as they were. Each of these has at least one scan, even if
    that is more than its share.

    Raises:
        InputError: a limit below 1.
    """
    if limit < 1:
        raise InputError(f"data.limit={limit}: give at least 1, or null for all pairs")
    share = limit / len(frame)
    if share >= 1:
        return frame
    scans = frame.groupby(["split", "scan"], sort=True)["label"].agg(["size", "mean"]).reset_index()
    scans["ore"] = scans["mean"] >= 0.5
    order = np.random.default_rng(seed).permutation(len(scans))
    kept: set[tuple[str, str]] = set()
    for _, group in scans.iloc[order].groupby(["split", "ore"], sort=True):
        wanted = share * group["size"].sum()
        within = group["size"].cumsum() <= wanted
        within.iloc[0] = True
        kept.update(zip(group.loc[within, "split"], group.loc[within, "scan"], strict=True))
    mask = [key in kept for key in zip(frame["split"], frame["scan"], strict=True)]
    return frame[mask].reset_index(drop=True)
