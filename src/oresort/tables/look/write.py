"""The folder that `explain` leaves: tables as CSV, charts, pictures of pairs, and `explain.json` with all figures."""

import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from oresort.files.write import replacing, write_json
from oresort.represent.geometry import Canvas, Resize
from oresort.represent.regions import REGIONS, RIM
from oresort.tables.figure import write_figure
from oresort.tables.look.charts import curves_chart, sensitivity_chart, shares_chart
from oresort.tables.look.figures import (
    auroc_of,
    curves_table,
    faithfulness_table,
    pairs_table,
    sensitivity_table,
    shares_table,
)
from oresort.tables.look.pictures import pair_figure

if TYPE_CHECKING:
    from oresort.learn.look.explain import Explained

RECORD = "explain.json"


def write_look(
    out: Path,
    found: "Explained",
    threshold: float,
    geometry: Canvas | Resize,
    about: dict[str, Any],
    kinds: Sequence[str] = ("png",),
) -> dict[str, Any]:
    """Write all that explains a model into `out`, and return the record, which is `explain.json`, too.

    The record holds, in plain values: `about` as given, `notes` (what is not there, or must be read with care),
    `pairs` (of the split, looked at, left out with reasons), `maps`, `shares`, `faithfulness`, `curves`, `sensitivity`,
    `galleries` (name: list of pairs with `id, scan, label, grade, p_ore, called, changes, picture`) and `files`.
    """
    _clear(out)
    shares, moved = shares_table(found), sensitivity_table(found, threshold)
    tables = {"shares": shares, "sensitivity": moved, "pairs": pairs_table(found)}
    charts = {"shares": partial(shares_chart, shares), "sensitivity": partial(sensitivity_chart, moved)}
    if found.curves is not None:
        tables |= {"faithfulness": faithfulness_table(found), "curves": curves_table(found.curves)}
        charts["curves"] = partial(curves_chart, tables["curves"])
    for name, table in tables.items():
        with replacing(out / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.6g")
    drawn = [file.name for name, chart in charts.items() for file in write_figure(chart, out, name, kinds)]
    pictures = _pictures(out, found, geometry, threshold)
    _maps(out / "maps.npz", found)
    files = {f"{name}.csv" for name in tables} | {*drawn, "maps.npz"}
    record = {
        **about,
        "data": found.data,
        "split_pairs": found.split,
        "looked_at": int(found.pairs["sampled"].sum()),
        "left_out": [left._asdict() for left in found.left],
        "auroc": auroc_of(found)._asdict(),
        "rim": RIM,
        "regions": list(REGIONS),
        "notes": notes(found),
        "maps": [
            {"key": kind.key, "name": kind.name, "method": kind.method, "tower": kind.tower, "energy": kind.energy}
            for kind in found.shown.kinds
        ],
        **{name: _rows(table) for name, table in tables.items() if name != "pairs"},
        "galleries": {
            name: [_pair(found, row, pictures[row]) for row in rows] for name, rows in found.galleries.items()
        },
        "files": sorted(files),
    }
    write_json(out / RECORD, record)
    return record


def _clear(out: Path) -> None:
    """Remove the record and the pictures of pairs of an earlier look, which would pass for this one's."""
    if (out / RECORD).is_file():
        (out / RECORD).unlink()
        for old in (out / "pairs").glob("[0-9][0-9][0-9][0-9][0-9].png"):
            old.unlink()


def notes(found: "Explained") -> list[str]:
    """Return what is not there, or must be read with care, a sentence each."""
    looked = found.looked["trained"]
    lost = float(np.median(looked.missing))
    said = [f"Integrated gradients miss {100 * lost:.1f} % of the answer in the median pair; more steps miss less."]
    value, low, _ = auroc_of(found)
    if not low > 0.5:  # an end that is not known is not above chance
        least = "where its interval begins is not known" if np.isnan(low) else f"it may be {low:.3f}"
        known = f"AUROC {value:.3f}, {least}"
        said.append(f"The model may know nothing of these pairs ({known}): then its maps explain no knowledge.")
    if not found.grad_cam:
        said.append("The towers make vectors, no maps: there is no Grad-CAM of this model.")
    for k, kind in enumerate(looked.kinds):
        if (cell := float(looked.cell[:, k].mean())) > RIM:
            said.append(f"{kind.name}: a cell is {cell:.1f} pixels wide, so it cannot tell the rim from the inside.")
        if blind := int(np.isnan(looked.mass[:, k, 0]).sum()):
            said.append(f"{kind.name}: {blind:,} pairs have nothing in it that speaks for the decision.")
    if found.left:
        said.append(f"{len(found.left):,} pairs are left out; the first, {found.left[0].id}, {found.left[0].why}.")
    return said


def _pair(found: "Explained", row: int, picture: str) -> dict[str, Any]:
    own = found.pairs.iloc[row]
    known = {name: own[name] for name in ("batch", "grade", "mass") if name in own and pd.notna(own[name])}
    return {
        "id": str(own["id"]),
        "scan": str(own["scan"]),
        **{name: float(value) if isinstance(value, float | int) else str(value) for name, value in known.items()},
        "label": "ore" if own["label"] == 1 else "waste",
        "called": "ore" if own["called"] else "waste",
        "p_ore": float(own["p_ore"]),
        "changes": {name: float(p_ore[row]) for name, p_ore in found.moved.items() if name},
        "picture": picture,
    }


def _pictures(out: Path, found: "Explained", geometry: Canvas | Resize, threshold: float) -> dict[int, str]:
    """Write a picture of each pair in a gallery; return their files below `out` by row."""
    files = {}
    for row in sorted({row for rows in found.galleries.values() for row in rows}):
        pair = _pair(found, row, "")
        grade = f", {pair['grade']:.3g} % Cu" if "grade" in pair else ""
        p = f"p_ore {pair['p_ore']:.3f} (ore from {threshold:.3f})"
        title = f"{p}, called {pair['called']}, is {pair['label']}{grade}, scan {pair['scan']}"
        name = f"pairs/{row:05d}.png"  # an id may hold anything
        own = found.shown.maps[row]
        shown = {kind: own[kind] for kind in own if kind.tower is None or kind.method == "Grad-CAM" or len(own) < 5}
        _picture(out / name, pair_figure(found.crops[row], shown, geometry, found.rock, pair["called"] == "ore", title))
        files[row] = name
    return files


def _picture(file: Path, figure: Figure) -> None:
    # a name may be written in letters that the font lacks
    with replacing(file) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(temporary)


def _maps(file: Path, found: "Explained") -> None:
    """Write the maps of the pairs in galleries as the model sees them: `id` (N,), and (N, H', W') by a map's key."""
    rows = sorted({row for rows in found.galleries.values() for row in rows})
    own = [found.shown.maps[row] for row in rows]
    stacked: dict[str, Any] = {kind.key: np.stack([maps[kind] for maps in own]) for kind in found.shown.kinds if own}
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, id=found.pairs["id"].iloc[rows].to_numpy(str), **stacked)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = [{str(key): value for key, value in row.items()} for row in table.astype(object).to_dict("records")]
    return [
        {key: value.item() if isinstance(value, np.generic) else value for key, value in row.items()} for row in rows
    ]
