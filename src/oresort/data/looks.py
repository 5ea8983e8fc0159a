"""Whether a dataset's images can be what its index says they are, by a sample; asked before anything is learned."""

from pathlib import Path

import numpy as np
import pandas as pd

from oresort.data.counts import read_counts, rows_of
from oresort.errors import InputError
from oresort.represent.sound import check_pair

_LOOKED_AT = 64  # pairs, evenly over all: what is wrong with an index is wrong with most of them


def sampled(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most so many rows of a manifest, evenly over all."""
    return frame.iloc[np.unique(np.linspace(0, len(frame) - 1, min(most, len(frame))).astype(int))]


def doubts(frame: pd.DataFrame, root: Path, *, by_air: bool) -> str:
    """Return in words which of some pairs cannot be what they are taken for; empty if all can.

    `by_air` tells whether the level of air counts: the paper's representation does not ask for it.

    Raises:
        InputError: most of them, or an image that cannot be used. Layers may be exchanged or the same, without a
            particle, or with another background or level of air than the index says.
    """
    rows, wrong = sampled(frame, _LOOKED_AT), []
    for row in rows_of(rows):
        low, high = read_counts(root, row)
        level = row.air if by_air or row.background == "air" else np.nan
        try:
            check_pair((str(root / row.low), low), (str(root / row.high), high), level, row.background)
        except InputError as error:
            wrong.append(str(error))
    if not wrong:
        return ""
    text = f"{len(wrong)} of {len(rows)} pairs that were looked at cannot be right, such as {wrong[0]}"
    if 2 * len(wrong) > len(rows):
        raise InputError(text)
    return text
