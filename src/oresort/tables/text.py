"""The report's tables as people read them: on the screen, and as Markdown."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from oresort.console.show import leakage
from oresort.files.layout import SPLITS
from oresort.learn.naming import ends, short_keys
from oresort.sorting import METRICS
from oresort.tables.columns import cells, default_columns, heading
from oresort.tables.summary import Report

_UNTOLD = 4  # keys that are named


POOLED = "all folds: every pair once, by the model that had not seen its scan, so one ranking of several models' scales"
"""What a figure over all folds is."""


class Section(NamedTuple):
    """One table: title, name for files, what it was measured on, its cells as text, its rows as numbers, notes on them.

    The first column of cells names the row, `columns` are the others; `report.csv` has all.
    """

    title: str
    slug: str
    facts: str
    cells: pd.DataFrame
    numbers: pd.DataFrame
    columns: tuple[str, ...] = ()
    metric: str = "auroc"  # that differences are of
    notes: tuple[str, ...] = ()  # what a reader must know of single rows, which they name


def sections(report: Report, split: str, metric: str = "auroc", columns: Sequence[str] = ()) -> Iterator[Section]:
    """Yield the tables of a report: one of the plain runs, one for each experiment at one scale and recipe."""
    if report.table.empty:
        return
    roots = [str(root) for root in report.table["root"].dropna()]
    called = dict(zip(roots, ends(roots), strict=True))
    for slug, part in report.table.groupby("table", sort=False):
        numbers = _used(part)
        first, facts = numbers.iloc[0], _facts(numbers, split)
        if slug == "runs":
            sets = numbers["data"].nunique(dropna=False)
            title, place = "runs", facts + (f"; rows are of {sets} sets of pairs" if sets > 1 else "")
            place += _untold(report.untold)
        else:
            pairs = " + ".join(_count(first.get(f"pairs_{side}")) for side in SPLITS)
            trained = [str(count) for count in dict.fromkeys(numbers["epochs"].dropna())] or ["?"]
            epochs = f"{' or '.join(trained)} epoch{'' if trained == ['1'] else 's'}"
            title, data = str(first["name"]), called.get(str(first["root"]), "unknown data")
            place = f"{facts}; scale={first['scale']}: {pairs} pairs of {data} (train + val + test), {epochs}"
            place += f"; recipe={first['recipe']}"
        chosen = list(columns) or default_columns(numbers, metric)
        if "minutes" in chosen and "minutes" in numbers and numbers["device"].dropna().nunique() == 1:
            place += f"; minutes of training on {numbers['device'].dropna().iloc[0]}"
        told = notes(numbers, minutes="minutes" in chosen)
        shown = {"row": numbers["row"].tolist()} | {heading(name, metric): cells(numbers, name) for name in chosen}
        yield Section(title, str(slug), place, pd.DataFrame(shown), numbers, tuple(chosen), metric, told)


def _facts(table: pd.DataFrame, split: str) -> str:
    facts = f"{split}, per cent, mean±std over n seeds{' or folds' if 'folds' in table else ''}"
    return f"{facts}; {POOLED}" if "pooled" in table else facts


def notes(table: pd.DataFrame, *, minutes: bool = False) -> tuple[str, ...]:
    """Return what a reader must know of single rows of a report's table: leakage, and why a figure is missing.

    Why `minutes` are missing is told where they are shown.
    """
    found = []
    for _, row in table.iterrows():
        if leaks := leakage(row.get("leaking_scans"), row.get("leaking_images")):
            found.append(f"{row['row']}: {leaks}")
        if isinstance(why := row.get("no_difference"), str):
            found.append(f"{row['row']}: no difference to the reference row: {why}")
        if minutes and pd.isna(row.get("minutes")) and isinstance(device := row.get("device"), str):
            found.append(f"{row['row']}: no minutes: its runs were on {device}, or for a time that is not known")
        if isinstance(why := row.get("no_pooled"), str):
            found.append(f"{row['row']}: no figure over all folds: {why}")
    return tuple(found)


def _untold(keys: Sequence[str]) -> str:
    if not keys:
        return ""
    some = list(short_keys(keys).values())[:_UNTOLD]
    more = f" and {len(keys) - _UNTOLD} more keys" if len(keys) > _UNTOLD else ""
    return f"; rows also differ in {', '.join(some)}{more}, see report.csv"


def _count(value: float | None) -> str:
    return "?" if value is None or pd.isna(value) else f"{int(value):,}"


def _used(part: pd.DataFrame) -> pd.DataFrame:
    # without columns that only other tables fill; a figure may be undefined in all rows and still belongs here
    own = {"params_M", "epochs", "root", *(f"{metric}{end}" for metric in METRICS for end in ("_mean", "_std"))}
    unused = [c for c in part.columns if part[c].isna().all() and c not in own]
    return part.drop(columns=unused).reset_index(drop=True)


def markdown(table: pd.DataFrame) -> str:
    """Return a table of text as Markdown, whatever signs are in its cells."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    texts = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in texts)
