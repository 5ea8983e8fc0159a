"""What a page says of many runs: their tables, beside the paper's figures, and which runs are not whole."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from oresort.console.counted import counted
from oresort.errors import InputError, one_line
from oresort.files.provenance import provenance
from oresort.files.record import IMPORTANCES
from oresort.paths import version_of
from oresort.sorting.resample import LEVEL
from oresort.tables.columns import cells
from oresort.tables.look.importances import importances_chart, read_importances
from oresort.tables.page.drawing import lines
from oresort.tables.page.write import plain, write_page
from oresort.tables.plot import report_figure
from oresort.tables.summary import Report
from oresort.tables.text import Section, sections

_FEATURES = 10  # of each classical sorter
_SORTERS = 12
_NOT_WHOLE = ("run", "name", "row", "seed", "status", "error")


def write_sweep(out: Path, report: Report, runs: str, split: str, metric: str, resamples: int) -> Path:
    """Write the page of a report and its numbers into `out`; return the page's file."""
    parts = list(sections(report, split, metric))
    document = sweep_document(report, parts, runs, split, metric, resamples)
    return write_page(out, "sweep", document, sweep_pictures)[1]


def sweep_document(
    report: Report, parts: list[Section], runs: str, split: str, metric: str, resamples: int
) -> dict[str, Any]:
    """Return all that the page of a report says, in plain values.

    A row of a table has `row, n, params_M`, in words `of` how many seeds or folds it is, each metric as `<metric>_mean`
    and `<metric>_std`, and where they are known `difference` and `pooled` with their ends, and `paper_<metric>`; those
    of the paper are per cent, all others shares of 1. Of classical sorters `importances` has `run, features (feature,
    importance, deviation), of (how many there are), runs`: the first ten of one run of each configuration.
    """
    importances, left_out = _importances(report.folders, runs)
    tables = [
        {
            **{"title": part.title, "slug": part.slug, "facts": part.facts, "notes": list(part.notes)},
            "rows": _rows(part),
        }
        for part in parts
    ]
    return {
        **{"kind": "sweep", "runs": runs, "split": split, "metric": metric},
        "interval": {"level": LEVEL, "resamples": resamples, "over": "scans"},
        "tables": tables,
        "not_whole": [plain(row) for row in report.failed.reindex(columns=_NOT_WHOLE).to_dict("records")],
        "importances": importances,
        "left_out": left_out,
        "methods": _methods(report.table, split, metric, resamples),
        "provenance": provenance(),
    }


def sweep_pictures(page: Mapping[str, Any]) -> dict[str, Any]:
    """Return the picture of each table by its slug, and those of `importances` by run, as data URIs."""
    tables = {part["slug"]: lines(partial(_drawn, part, page["metric"])) for part in page["tables"]}
    bars = {
        found["run"]: lines(partial(importances_chart, pd.DataFrame(found["features"])))
        for found in page["importances"]
    }
    return {"tables": tables, "importances": bars}


def _drawn(part: Mapping[str, Any], metric: str) -> Figure:
    numbers = pd.DataFrame(part["rows"]).infer_objects()
    return report_figure(Section(part["title"], part["slug"], part["facts"], numbers[["row"]], numbers), metric)


def _importances(folders: list[list[str]], runs: str) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Return which features the classical sorters decide by, and what of them is left out, with why."""
    found: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    for own in folders:
        run = next((Path(one) for one in own if (Path(one) / IMPORTANCES).is_file()), None)
        if run is None:
            continue
        name = str(run.relative_to(runs)) if run.is_relative_to(runs) else str(run)
        if len(found) == _SORTERS:
            left_out.append(
                {"what": f"features of {name}", "why": f"{_SORTERS} sorters are shown; see its {IMPORTANCES}"}
            )
            continue
        try:
            table = read_importances(run)
        except InputError as error:
            left_out.append({"what": f"features of {name}", "why": one_line(error)})
            continue
        rows = [plain(row) for row in table.head(_FEATURES).to_dict("records")]
        found.append({"run": name, "features": rows, "of": len(table), "runs": len(own)})
    return found, left_out


def _rows(part: Section) -> list[dict[str, Any]]:
    rows = zip(cells(part.numbers, "n"), (plain(row) for row in part.numbers.to_dict("records")), strict=True)
    return [{**row, "of": of, "is_reference": row["row"] == row.get("reference")} for of, row in rows]


def _methods(table: pd.DataFrame, split: str, metric: str, resamples: int) -> str:
    if table.empty:
        return "No run has finished."
    runs = int(table["n"].sum())
    sentences = [
        f"The {split} figures of {counted(runs, 'finished run')} in {counted(len(table), 'configuration')} are means "
        "over seeds with the deviation of the sample; a single seed has none",
        "Runs count as one configuration if they saw the same pairs and differ in nothing but the seed",
    ]
    if "folds" in table:
        sentences.append(
            "Of folds of whole scans, each tested once, means and deviations are over folds; "
            "folds share training pairs, so the deviation is no standard error"
        )
    if "pooled" in table:
        sentences.append(
            f"Figures over all folds hold every pair once, with {LEVEL:.0%} of {resamples:,} resamples of whole scans; "
            "they rank several models' probabilities as one, whose scales differ"
        )
    if "difference" in table:
        sentences.append(
            f"Differences of {metric} to an experiment's reference row hold {LEVEL:.0%} of {resamples:,} resamples of "
            "whole scans, drawn alike for both: they say what another set of scans would do, deviations what another "
            "training would"
        )
    if any(str(column).startswith("paper_") for column in table):
        sentences.append("Figures of the paper are as printed, on its own data")
    sentences.append(f"All was computed by oresort {version_of('oresort')}")
    return ". ".join(sentences) + "."
