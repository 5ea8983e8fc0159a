"""Manifests that are nothing but scans and classes, for what is drawn by scan."""

import pandas as pd
from hypothesis import strategies as st

Scans = list[tuple[int, int]]
"""Pairs of waste and of ore of each scan."""


def frame_of(scans: Scans) -> pd.DataFrame:
    rows = [(f"s{k}", label) for k, counts in enumerate(scans) for label in (0, 1) for _ in range(counts[label])]
    return pd.DataFrame(rows, columns=["scan", "label"]).assign(split="", id=lambda t: t.index.astype(str))


def scans_of_both(least: int, most: int) -> st.SearchStrategy[Scans]:
    """Return scans of up to `most` pairs a class, of which `least` and more hold waste, and as many hold ore."""
    some, any_ = st.integers(1, most), st.integers(0, most)
    waste, ore = (
        st.lists(st.tuples(*sides), min_size=least, max_size=least + 8) for sides in ((some, any_), (any_, some))
    )
    return st.builds(lambda one, other: one + other, waste, ore)
