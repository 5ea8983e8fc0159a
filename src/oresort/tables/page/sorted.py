"""What a page says of a sort: what was kept and why, what the scans looked like, what went wrong."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from oresort.console.counted import counted
from oresort.console.palette import GREY, ORE, WASTE
from oresort.errors import InputError
from oresort.files.reading import read_json, read_table
from oresort.scan.segment.particle import FLAGS
from oresort.sorting.table import COLUMNS
from oresort.tables.page.curves import histogram
from oresort.tables.page.decided import figure_rows, gathered
from oresort.tables.page.drawing import lines, photograph
from oresort.tables.page.write import plain, write_page

_AGAIN = "sort again"
_PICTURES = 3  # overlays of belts that are shown
_SCANS, _FAULTS = 500, 200  # that a page holds; decisions.csv and decisions.json have all
_MEASURED = ("area", "mass_proxy", "low_mean", "high_mean", "r", "p_ore")
_PROVENANCE = ("command", "started", "code", "python", "platform", "packages")


def write_sort(out: Path) -> Path:
    """Write the page of a sort into its folder `out`, and its numbers; return the page's file.

    Raises:
        InputError: `out` does not hold what a sort has written.
    """
    record = read_json(out / "decisions.json", _AGAIN)
    table = read_table(out / "decisions.csv", COLUMNS, _AGAIN)
    document = sort_document(table, record, str(out))
    return write_page(out, "sort", document, partial(sort_pictures, out=out))[1]


def sort_document(table: pd.DataFrame, record: Mapping[str, Any], out: str) -> dict[str, Any]:
    """Return all that the page of a sort says, in plain values.

    `table` is `decisions.csv` as text, `record` what `decisions.json` holds.

    Raises:
        InputError: a table and a record of different sorts.
    """
    if record.get("particles") != len(table):
        raise InputError(f"{out}: decisions.csv has {len(table):,} rows, decisions.json says otherwise; {_AGAIN}")
    table = table.assign(**{name: pd.to_numeric(table[name].replace("", None)) for name in (*_MEASURED, *FLAGS)})
    kept = (table["decision"] == "ore").to_numpy()
    mass = table["mass_proxy"].to_numpy(np.float64)
    known = table["p_ore"].notna().to_numpy()
    scans = [_scan(str(name), part) for name, part in table.groupby("scan", sort=False)]
    belts = record["belts"] if "stream" not in record else [record]
    left_out = gathered(record["expected_left_out"])
    if not record["model"].get("sha256"):
        left_out.append({"what": "hash of the model", "why": "it is no file"})
    return {
        "kind": "sort",
        "source": record["settings"].get("scans") or record["settings"].get("low") or record["settings"].get("lines"),
        "model": dict(record["model"]),
        "threshold": record["threshold"],
        "settings": {
            **{key: record["settings"][key] for key in ("faulty", "clipped", "touching", "unsure")},
            "band": record["operating_point"]["band"],  # the one that holds, given or saved with the model
        },
        "counts": {
            **{"particles": len(table), "kept": int(kept.sum()), "rejected": int((~kept).sum())},
            **{"share_kept": _share(kept.sum(), len(table)), "mass_share_kept": _share(mass[kept].sum(), mass.sum())},
            **{"not_classified": int((~known).sum()), **{flag: int(table[flag].sum()) for flag in FLAGS}},
        },
        "reasons": [
            plain({"decision": decision, "reason": reason, "particles": len(part)})
            for (decision, reason), part in table.groupby(["decision", "reason"], sort=True)
        ],
        "histogram": histogram(table["p_ore"].to_numpy(np.float64)[known], {"ore": kept[known], "waste": ~kept[known]}),
        "scans": scans,
        "looks": [_look(belt) for belt in belts],
        "drift": [{"belt": _look(belt)["scan"], **row} for belt in belts for row in map(plain, belt["drift"].values())],
        "faults": [plain(fault) for belt in belts for fault in map(_fault, belt["faults"])],
        "notes": [note for belt in belts for note in belt["notes"]],
        "operating_point": record["operating_point"],
        "expected": record["expected"],
        "unanswered": record["unanswered"],
        "prices": record["prices"],
        "ejectors": record["ejectors"],
        "stream": record.get("since_start"),
        "left_out": left_out,
        "methods": _methods(table, record, kept, scans),
        "provenance": {key: record.get(key) for key in _PROVENANCE},
    }


def sort_pictures(page: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return `histogram`, `along` where there are several scans, and `overlays`, of a few belts: data URIs."""
    found: dict[str, Any] = {
        "histogram": lines(partial(_histogram, page)),
        "expected": figure_rows(page["expected"], page["prices"]),
    }
    if len(page["scans"]) > 1:
        found["along"] = lines(partial(_along, page))
    files = [out / "overlay.png"] if (out / "overlay.png").is_file() else sorted((out / "overlays").glob("*.png"))
    return found | {
        "overlays": [(file.stem, photograph(file)) for file in files[:_PICTURES]],
        "more": len(files[_PICTURES:]),
    }


def _share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole > 0 else None


def _scan(name: str, part: pd.DataFrame) -> dict[str, Any]:
    kept = part["decision"] == "ore"
    flagged = part[["faulty", "clipped", "touching"]].any(axis=1)
    return plain(
        {
            **{"scan": name, "particles": len(part), "kept": _share(kept.sum(), len(part))},
            "mass_kept": _share(part.loc[kept, "mass_proxy"].sum(), part["mass_proxy"].sum()),
            "flagged": int(flagged.sum()),
            **{name: float(part[name].mean()) for name in ("p_ore", "low_mean", "high_mean", "r", "area")},
        }
    )


def _look(belt: Mapping[str, Any]) -> dict[str, Any]:
    return {"scan": "", **belt["summary"]}


def _fault(fault: Mapping[str, Any]) -> dict[str, Any]:
    ends = {key: "all" if (span := fault[key]) is None else f"{span[0]} to {span[1]}" for key in ("lines", "columns")}
    return {
        "scan": fault.get("scan", ""),
        "layer": fault["layer"],
        "kind": fault["kind"],
        "mended": fault["mended"],
        **ends,
    }


def _methods(table: pd.DataFrame, record: Mapping[str, Any], kept: Any, scans: list[dict[str, Any]]) -> str:
    by_policy = int((table["reason"] != "threshold").sum())
    was = "was" if len(table) == 1 else "were"
    sentences = [
        f"{counted(len(table), 'particle')} of {counted(len(scans), 'scan')} {was} found, and classified by "
        f"{record['model'].get('file')}",
        f"A particle is kept from a probability of ore of {record['threshold']:.4g} on; {by_policy:,} were decided by "
        "policy instead (flagged, late or unsure)",
        f"{int(kept.sum()):,} were kept",
        f"All was computed by oresort {record['packages'].get('oresort')}",
    ]
    return ". ".join(sentences) + "."


def _histogram(page: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(6.4, 3.0), layout="constrained")
    axes = figure.subplots()
    for name, colour, style, label in (("ore", ORE, "-", "kept"), ("waste", WASTE, "--", "rejected")):
        axes.stairs(page["histogram"][name], page["histogram"]["edges"], color=colour, linestyle=style, label=label)
    axes.axvline(page["threshold"], color=GREY, linewidth=1)
    most = max(max(page["histogram"][name]) for name in ("ore", "waste"))
    axes.set(xlabel="probability of ore", ylabel="particles", xlim=(-0.01, 1.01), ylim=(0, 1.05 * max(most, 1)))
    axes.legend(loc="upper center")
    return figure


def _along(page: Mapping[str, Any]) -> Figure:
    """Draw what was kept and how particles looked, scan after scan."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    numbers = np.arange(1, len(page["scans"]) + 1)

    def values(name: str) -> list[float]:
        return [np.nan if row[name] is None else row[name] for row in page["scans"]]

    upper.plot(numbers, 100 * np.array(values("kept")), ".-", color=ORE)
    upper.set(ylabel="particles kept, %", ylim=(-3, 103))
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    lower.plot(numbers, values("r"), ".-", color=GREY)
    lower.set(ylabel="mean R of particles", xlabel="scan, in the table's order")
    return figure
