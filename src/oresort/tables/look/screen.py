"""What the screen shows of a record: where the model looks, whether its maps hold, what moves it."""

from collections.abc import Iterator
from typing import Any

import pandas as pd


def screens(record: dict[str, Any]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield titles and tables of text, in per cent with intervals over scans."""
    shares = pd.DataFrame(record["shares"])
    rows = []
    for (name, model), part in shares.groupby(["name", "model"], sort=False):
        own = part.set_index("region")
        cells = {region: _interval(own.loc[region], "mass") for region in own.index}
        rows.append({"map": name, "weights": model, **cells})
    area = shares.drop_duplicates("region").set_index("region")["area"]
    blind = {region: f"{100 * share:.1f}" for region, share in area.items()}
    rows.append({"map": "share of the picture", "weights": "", **blind})
    yield f"share of the relevance by region, {record['looked_at']:,} pairs of {record['split']}", pd.DataFrame(rows)
    if record.get("faithfulness"):
        faith = [
            {
                "map": row["name"], "way": row["way"], "its order": f"{row['area']:.3f}",
                "at random": f"{row['random']:.3f}", "difference": _interval(row, "difference", 1, 3),
            }
            for row in record["faithfulness"]
        ]  # fmt: skip
        yield "probability of the decision, mean over what is deleted or inserted", pd.DataFrame(faith)
    moved = [
        {"change": row["change"], **{name: _interval(row, name) for name in ("dp_of_ore", "dp_of_waste", "flipped")}}
        for row in record["sensitivity"]
    ]
    yield "what moves p_ore (points), and turns the decision (per cent)", pd.DataFrame(moved)


def _interval(row: Any, name: str, scale: int = 100, digits: int = 1) -> str:
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return "-"
    text = f"{scale * value:.{digits}f}"
    return text if pd.isna(low) else f"{text} [{scale * low:.{digits}f}, {scale * high:.{digits}f}]"
