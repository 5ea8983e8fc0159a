"""The tables of README.md, docs/ and experiments/: each number is stored once, in a CSV, and pasted from there.

    python -m studies.pages

Fills every `<!-- table: FILE | COLUMN | COLUMN:FORMAT as HEADING -->` ... `<!-- end -->` of a page. `FILE key=value`
keeps the rows that have this value; `FILE+FILE` takes in what another file has on the same row. A column with `_mean`
and `_std` in the file is shown as mean±std, one with `_low` and `_high` with its interval. FORMAT is Python's; with `%`
the heading says so, and the cells do without.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from oresort.errors import InputError
from studies.command import run_study

TABLE = re.compile(r"(<!-- table: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass
class Options:
    """Keys of the command."""

    root: Path = Path()  # the repository


def cells(table: pd.DataFrame, name: str, form: str) -> list[str]:
    """Return a column as text: a mean with its deviation, a value with its interval, or what the file says."""

    def text(column: str) -> list[str]:
        if not form:
            return table[column].fillna("").tolist()
        return ["" if pd.isna(value) else f"{float(value):{form}}".rstrip("%") for value in table[column]]

    if name in table and f"{name}_low" in table:
        ends = zip(text(name), text(f"{name}_low"), text(f"{name}_high"), strict=True)
        told = [(value, f" [{low}, {high}]" if low else "") for value, low, high in ends]
        return [f"{value}{interval}" if value else "reference" for value, interval in told]
    mean = name if name in table else f"{name}_mean"
    if mean not in table:
        raise InputError(f"no column {name!r}; there are: {', '.join(table.columns)}")
    if f"{name}_std" in table:
        pairs = zip(text(mean), text(f"{name}_std"), strict=True)
        return [f"{value}±{spread}" if spread else value or "-" for value, spread in pairs]
    return [value or "-" for value in text(mean)]


def markdown(folder: Path, spec: str) -> str:
    """Return the table that a marker describes; InputError for a file or a column that is not there."""
    source, *columns = [part.strip() for part in spec.split("|")]
    files, *conditions = source.split()
    first, *others = [_read(folder / file) for file in files.split("+")]
    table = first
    for other in others:
        shared = [column for column in other if column in first]
        if not shared:
            raise InputError(f"{files}: no column is in both, so nothing tells which rows belong together")
        table = table.merge(other, on=shared[0], suffixes=("", " again"))
    for key, value in (condition.split("=") for condition in conditions):
        table = table[table[key].map(_alike(value))]
    shown = {}
    for column in columns:
        left, _, heading = column.partition(" as ")
        name, _, form = left.partition(":")
        shown[(heading or name) + (", %" if form.endswith("%") else "")] = cells(table, name, form)
    rows = [list(shown), ["---"] * len(shown), *map(list, zip(*shown.values(), strict=True))]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _read(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise InputError(f"{file}: not found")
    return pd.read_csv(file, dtype=str)


def _alike(wanted: str) -> Callable[[str], bool]:
    def same(found: str) -> bool:
        try:
            return float(found) == float(wanted)
        except ValueError:
            return found == wanted

    return same


def filled(page: Path) -> str:
    """Return a page with all its tables as their files have them now."""
    return TABLE.sub(lambda m: m[1] + markdown(page.parent, m[2]) + m[3], page.read_text(encoding="utf-8"))


def pages(root: Path) -> list[Path]:
    """Return the repository's pages for people."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted((root / "experiments").rglob("*.md"))]


def study(options: Options) -> pd.DataFrame:
    """Fill every page; return how many tables each has."""
    rows = []
    for page in pages(options.root):
        text = filled(page)
        page.write_text(text, encoding="utf-8")
        rows.append({"page": str(page), "tables": len(TABLE.findall(text))})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    run_study(Options, study)
