"""The report's tables as people read them: on the screen, as Markdown, as LaTeX."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from oresort.console.show import percent
from oresort.sorting import METRICS
from oresort.tables.bootstrap import LEVEL
from oresort.tables.collect import PAPER_METRICS

_SHOWN = ("auroc", "f1", "recall", "precision", "accuracy", "balanced_accuracy")
"""Metrics of an experiment's table; `report.csv` has all."""

_HIDDEN = ("pairs_train", "pairs_val", "pairs_test", "epochs", "data", "root", "difference_metric")


class Section(NamedTuple):
    """One table: title, name for files, what it was measured on, its cells as text, its rows as numbers."""

    title: str
    slug: str
    facts: str
    cells: pd.DataFrame
    numbers: pd.DataFrame


def sections(table: pd.DataFrame, split: str) -> Iterator[Section]:
    """Yield the parts of a report's table: one of the plain runs, one for each experiment at one scale."""
    if table.empty:
        return
    named = table["row"].notna() if "row" in table else pd.Series(False, index=table.index)
    plain = _used(table[~named])
    if not plain.empty:
        yield Section("runs", "runs", f"{split}, per cent, mean±std over n seeds", readable(plain), plain)
    if not named.any():
        return
    for (name, scale, protocol, _), part in table[named].groupby(
        ["name", "scale", "protocol", "data"], dropna=False
    ):
        numbers = _used(part).reset_index(drop=True)
        first = numbers.iloc[0]
        pairs = " + ".join(f"{int(first[f'pairs_{side}']):,}" for side in ("train", "val", "test"))
        facts = (
            f"{split}, per cent, mean±std over n seeds; scale={scale}: {pairs} pairs (train + val + test), "
            f"{first['epochs']} epochs; protocol={protocol}; data: {first.get('root', 'unknown')}"
        )
        slug = re.sub(r"[^a-z0-9]+", "-", f"{name} {scale} {protocol}".lower())
        yield Section(str(name), slug, facts, readable(numbers), numbers)


def _used(part: pd.DataFrame) -> pd.DataFrame:
    # a column that other tables fill; a metric's mean and deviation may all be undefined and still belong here
    own = {f"{metric}{end}" for metric in METRICS for end in ("_mean", "_std")}
    return part.drop(columns=[c for c in part.columns if part[c].isna().all() and c not in own])


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as people read it: metrics in per cent, `mean±std`, parameters in M, the paper's beside."""
    experiment = "row" in table
    drop = {"name", "scale", "protocol"} if experiment else set()
    left = [
        c
        for c in table.columns
        if not c.endswith(("_mean", "_std"))
        and not c.startswith(("paper_", "difference"))
        and c not in {*_HIDDEN, *drop}
    ]
    shown = table[left].copy()
    shown["params_M"] = shown["params_M"].map("{:.2f}".format).replace("nan", "-")  # trees are not counted
    for metric in _SHOWN if experiment else METRICS:
        shown[metric] = _plus_minus(table[f"{metric}_mean"], table[f"{metric}_std"], 100)
        if "difference" in table and (table["difference_metric"] == metric).any():
            ends = zip(table["difference"], table["difference_low"], table["difference_high"], strict=True)
            shown[f"Δ {metric} [{LEVEL:.0%}]"] = [
                "reference" if pd.isna(value) else f"{100 * value:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]"
                for value, low, high in ends
            ]
    if "paper_auroc" in table:
        for metric in PAPER_METRICS:
            shown[f"paper: {metric}"] = _plus_minus(table[f"paper_{metric}"], table[f"paper_{metric}_std"], 1)
        shown["paper: params_M"] = table["paper_params_M"].map("{:.2f}".format).replace("nan", "-")
    # values of a column that runs do not share come as NaN
    return shown.astype(object).where(shown.notna(), "-").astype(str)


def _plus_minus(means: "pd.Series[float]", deviations: "pd.Series[float]", factor: float) -> list[str]:
    pairs = zip(means.astype(float) * factor, deviations.astype(float) * factor, strict=True)
    return [percent(m / 100) + ("" if pd.isna(s) else f"±{percent(s / 100)}") for m, s in pairs]


def markdown(table: pd.DataFrame) -> str:
    """Return a table of text as Markdown."""
    lines = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return (
        "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )


_TEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "Δ": r"$\Delta$", "%": r"\%",
        "_": r"\_", "&": r"\&", "#": r"\#", "$": r"\$",
        "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


def latex(section: Section) -> str:
    """Return a section as a LaTeX table for the package booktabs."""

    def cells(values: list[object]) -> str:
        return " & ".join("".join(_TEX.get(c, c) for c in str(value)) for value in values) + r" \\"

    body = [cells(row) for row in section.cells.to_numpy().tolist()]
    return "\n".join(
        [
            r"\begin{table}", r"\centering",
            rf"\caption{{{cells([section.title])[:-3]}: {cells([section.facts])[:-3]}}}",
            rf"\begin{{tabular}}{{l{'r' * (len(section.cells.columns) - 1)}}}", r"\toprule",
            cells(list(section.cells.columns)), r"\midrule", *body, r"\bottomrule", r"\end{tabular}",
            r"\end{table}", "",
        ]
    )  # fmt: skip
