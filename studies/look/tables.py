"""What the looks at some models have in common, as tables."""

from collections.abc import Mapping
from typing import Any

import pandas as pd


def table_of(records: Mapping[str, Mapping[str, Any]], name: str) -> pd.DataFrame:
    """Return one table of all records, `shares`, `faithfulness` or `sensitivity`, with a column `trained_as`."""
    tables = [pd.DataFrame(record.get(name, [])) for record in records.values()]
    named = [table.assign(trained_as=key) for key, table in zip(records, tables, strict=True)]
    return pd.concat(named, ignore_index=True)


def inside_table(records: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return a row for each model and map: the share of the relevance inside, and that of its controls.

    Intervals of the controls are in `shares`. `auroc` is that of the test pairs: what a model that has learned nothing
    looks at says nothing.
    """
    rows = []
    for name, record in records.items():
        shares = pd.DataFrame(record["shares"])
        own = shares[shares["region"] == "inside"]
        for map_, part in own.groupby("name", sort=False):
            by_weights: dict[str, dict[str, Any]] = part.set_index("model").to_dict("index")  # type: ignore[assignment]
            row = {"trained_as": name, "auroc": record["auroc"], "map": map_, "coarse": bool(part["coarse"].iloc[0])}
            row |= {"pairs": by_weights["trained"]["pairs"], "area": by_weights["trained"]["area"]}
            row |= {f"inside{end}": by_weights["trained"][f"mass{end}"] for end in ("", "_low", "_high")}
            row |= {name: by_weights[name]["mass"] for name in ("random", "shuffled") if name in by_weights}
            rows.append(row)
    return pd.DataFrame(rows)
