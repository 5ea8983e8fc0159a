"""The report's tables as people read them: on the screen, as Markdown, as LaTeX."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from oresort.console.show import leakage, percent
from oresort.files.layout import SPLITS
from oresort.sorting import METRICS
from oresort.sorting.resample import LEVEL
from oresort.tables.collect import SIDES


class Section(NamedTuple):
    """One table: title, name for files, what it was measured on, its cells as text, its rows as numbers, notes on them.

    There are at most seven columns of cells, and the first names the row; `report.csv` has all.
    """

    title: str
    slug: str
    facts: str
    cells: pd.DataFrame
    numbers: pd.DataFrame
    notes: tuple[str, ...] = ()  # what a reader must know of single rows, which they name


def sections(table: pd.DataFrame, split: str, metric: str = "auroc") -> Iterator[Section]:
    """Yield the parts of a report's table: one of the plain runs, one for each experiment at one scale."""
    if table.empty:
        return
    named = table["row"].notna() if "row" in table else pd.Series(False, index=table.index)
    plain = _used(table[~named])
    facts = f"{split}, per cent, mean±std over n seeds"
    if not plain.empty:
        yield Section("runs", "runs", facts, readable(plain, metric), plain, notes(plain))
    if not named.any():
        return
    slugs = {"runs"}
    for _, part in table[named].groupby(list(SIDES), dropna=False):
        numbers = _used(part)
        first = numbers.iloc[0]
        name, scale, recipe = (str(first[key]) for key in ("name", "scale", "recipe"))
        pairs = " + ".join(_count(first.get(f"pairs_{side}")) for side in SPLITS)
        epochs = first.get("epochs", "?")
        place = f"{facts}; scale={scale}: {pairs} pairs (train + val + test), {epochs} epochs; recipe={recipe}"
        slug = re.sub(r"[^a-z0-9]+", "-", f"{name} {scale} {recipe}".lower())
        place += f"; data: {first.get('root', 'unknown')}"
        while slug in slugs:  # the same rows of other pairs: each has a picture of its own
            slug += "-again"
        slugs.add(slug)
        yield Section(name, slug, place, readable(numbers, metric), numbers, notes(numbers))


def notes(table: pd.DataFrame) -> tuple[str, ...]:
    """Return what a reader must know of single rows of a report's table: leakage, and why a difference is missing."""
    found = []
    for name, (_, row) in zip(labels(table), table.iterrows(), strict=True):
        if leaks := leakage(row.get("leaking_scans"), row.get("leaking_images")):
            found.append(f"{name}: {leaks}")
        if isinstance(why := row.get("no_difference"), str):
            found.append(f"{name}: no difference to the reference row: {why}")
    return tuple(found)


def _count(value: float | None) -> str:
    return "?" if value is None or pd.isna(value) else f"{int(value):,}"


def _used(part: pd.DataFrame) -> pd.DataFrame:
    # without columns that only other tables fill; a figure may be undefined in all rows and still belongs here
    own = {"params_M", *(f"{metric}{end}" for metric in METRICS for end in ("_mean", "_std"))}
    unused = [c for c in part.columns if part[c].isna().all() and c not in own]
    return part.drop(columns=unused).reset_index(drop=True)


def readable(table: pd.DataFrame, metric: str = "auroc") -> pd.DataFrame:
    """Return a table as people read it: rows named, metrics in per cent as `mean±std`, parameters in M."""
    shown = pd.DataFrame({"row": labels(table), "n": table["n"].astype(str)})
    shown["params_M"] = [f"{value:.2f}" if pd.notna(value) else "-" for value in table["params_M"]]
    shown[metric] = _plus_minus(table, metric)
    if "difference" in table:
        shown[f"Δ {metric} [{LEVEL:.0%}]"] = [_difference(row) for _, row in table.iterrows()]
    if f"paper_{metric}" in table:
        shown[f"paper: {metric}"] = _plus_minus(table, f"paper_{metric}")
    others = [name for name in ("balanced_accuracy", "f1", "brier", "auroc") if name != metric]
    for name in others[: 7 - len(shown.columns)]:
        shown[name] = _plus_minus(table, name)
    return shown


def labels(table: pd.DataFrame) -> list[str]:
    """Return what each row is called: its name in the experiment, or the values that tell it from others, by key."""
    if "row" in table:
        return [str(row) for row in table["row"]]
    text, chosen = table.astype(str), ["name"]
    names = text["name"]
    # what a recipe or a scale sets says more by its own key
    keys = sorted(table.columns[1 : list(table.columns).index("n")], key=lambda k: k.startswith(("recipe", "scale")))
    for key in keys:
        if len(text[[*chosen, key]].drop_duplicates()) > len(text[chosen].drop_duplicates()):
            chosen.append(key)
            # of a class its last part is enough; a key that a run does not have names nothing
            values = text[key].str.rpartition(".")[2] if "_target_" in key else text[key]
            names = names + (f", {key.removesuffix('._target_')}=" + values).where(table[key].notna(), "")
    return names.tolist()


def _difference(row: "pd.Series[Any]") -> str:
    value, low, high = (100 * row[f"difference{end}"] for end in ("", "_low", "_high"))
    if pd.isna(value):
        return "reference" if row["row"] == row.get("reference") else "-"
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def _plus_minus(table: pd.DataFrame, name: str) -> list[str]:
    # the paper prints per cent already
    mean, factor = (f"{name}_mean", 1.0) if f"{name}_mean" in table else (name, 0.01)
    pairs = zip(table[mean].astype(float), table[f"{name}_std"].astype(float), strict=True)
    return [percent(m * factor) + ("" if pd.isna(s) else f"±{percent(s * factor)}") for m, s in pairs]


def markdown(table: pd.DataFrame) -> str:
    """Return a table of text as Markdown, whatever signs are in its cells."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    cells = [[" ".join(str(cell).split()).replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def latex(section: Section) -> str:
    """Return a section as a LaTeX table for the package booktabs."""
    caption = re.sub(r"([%&#_$])", r"\\\1", ". ".join((f"{section.title}: {section.facts}", *section.notes)))
    view = section.cells.style.hide().format(escape="latex").format_index(escape="latex", axis=1)
    layout = "l" + "r" * (len(section.cells.columns) - 1)
    text = view.to_latex(hrules=True, caption=caption, column_format=layout, position_float="centering")
    return str(text).replace("±", r"$\pm$").replace("Δ", r"$\Delta$")
