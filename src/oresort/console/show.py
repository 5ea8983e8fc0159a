"""Tables on the screen."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oresort.console.counted import counted


def show(table: pd.DataFrame, title: str) -> None:
    """Print a table of text to stdout, numbers to the right."""
    view = Table()
    for column in table.columns:
        numeric = table[column].astype(str).str.match(r"^[-+]?[\d.]").all()
        view.add_column(Text(str(column)), justify="right" if numeric else "left", overflow="fold")
    for row in table.to_numpy().tolist():
        view.add_row(*(Text(str(cell)) for cell in row))  # a name may look like markup
    console = Console()
    if not console.is_terminal:
        console = Console(width=240)  # a pipe has no width; folding at 80 would break every row
    # above rather than in the table, which would fold it to its own width
    console.print(title, highlight=False, markup=False)
    console.print(view)


def show_figures(row: Mapping[str, Any], splits: tuple[str, ...], title: str) -> None:
    """Print the figures `<split>/<metric>` of a run's row in per cent, one line per metric."""
    names = [key.partition("/")[2] for key in row if key.startswith(f"{splits[0]}/")]
    table = [{"metric": name} | {side: percent(row[f"{side}/{name}"]) for side in splits} for name in names]
    show(pd.DataFrame(table), title)
    if found := leakage(row.get("leaking_scans"), row.get("leaking_images")):
        print(found)


def leakage(scans: float | None, images: float | None) -> str:
    """Return what a run's record says of scans and images on several sides of its split; nothing where there are none.

    It stands with every table of the run, whose figures it makes too good.
    """
    found = ((scans, "scan"), (images, "image"))
    told = [counted(int(n), what) for n, what in found if n is not None and not pd.isna(n) and n]
    return f"leakage: {' and '.join(told)} on several sides of the split, figures are too good" if told else ""


def minutes(seconds: float | None) -> str:
    """Return seconds in minutes with one digit, a dash where they are not known."""
    return "-" if seconds is None or pd.isna(seconds) else f"{seconds / 60:.1f}"


def percent(value: float | None) -> str:
    """Return a share of 1 in per cent with two digits, a dash where it is undefined."""
    return "-" if value is None or pd.isna(value) else f"{100 * value:.2f}"
