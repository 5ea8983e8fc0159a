"""Which features a classical sorter decides by, as its run left them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from oresort.console.palette import BLUE, GREY
from oresort.console.show import show
from oresort.errors import InputError
from oresort.files.reading import read_table
from oresort.files.record import IMPORTANCES
from oresort.files.write import write_json
from oresort.tables.figure import COLUMN, write_figure

_PER_TOP = 5  # bars take less room than curves


def write_importances(run: Path, out: Path, top: int, kinds: Sequence[str] = ("png",)) -> dict[str, Any]:
    """Write `explain.json` and a figure of a classical sorter's run into `out`; print and return the record.

    The record's `importances` are rows `feature, importance, deviation`: how much the area under the ROC curve falls
    when the feature's values are shuffled among the test pairs.

    Raises:
        InputError: a table that cannot be read, or holds what is no number.
    """
    table = read_importances(run)
    drawn = write_figure(partial(importances_chart, table.head(_PER_TOP * top)), out, "importances", kinds)
    names = [file.name for file in drawn]
    record = {"run": str(run), "importances": table.to_dict("records"), "files": names}
    write_json(out / "explain.json", record)
    shown = table.head(_PER_TOP * top)
    show(shown.map(lambda value: f"{100 * value:.2f}" if isinstance(value, float) else value), f"{run}: AUROC, points")
    return record


def read_importances(run: Path) -> pd.DataFrame:
    """Return `feature, importance, deviation` as a classical sorter's run left them, the largest first; both in AUROC.

    Raises:
        InputError: a table that cannot be read, or holds what is no number.
    """
    table = read_table(run / IMPORTANCES, ("feature", "importance", "deviation"))
    numbers = table[["importance", "deviation"]].apply(pd.to_numeric, errors="coerce")
    if table.empty or not np.isfinite(numbers.to_numpy(float)).all():
        raise InputError(f"{run / IMPORTANCES}: not as oresort.classic wrote it; run that again")
    table = table[["feature"]].assign(**{name: numbers[name].astype(float) for name in numbers})
    return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def importances_chart(table: pd.DataFrame) -> Figure:
    """Draw how much the AUROC falls without each feature, with the deviation over shufflings."""
    figure = Figure(figsize=(COLUMN, 0.16 * len(table) + 0.7), layout="constrained")
    axes = figure.subplots()
    y = np.arange(len(table), dtype=float)[::-1]
    axes.barh(y, 100 * table["importance"], xerr=100 * table["deviation"], color=BLUE, ecolor=GREY)
    axes.set_yticks(y, table["feature"])
    axes.set(xlabel="points of AUROC lost when shuffled", ylim=(-0.7, len(table) - 0.3))
    axes.spines[["top", "right"]].set_visible(False)
    return figure
