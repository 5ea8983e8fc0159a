"""Models alone and their mean, as a table, and what the mean costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from oresort.console.show import percent, show

if TYPE_CHECKING:
    from oresort.learn.averages import Part  # needs torch

_SHOWN = ("auroc", "balanced_accuracy", "f1", "brier", "ece")


def show_parts(parts: Sequence["Part"], title: str) -> None:
    """Print a row for each model alone and for each mean."""
    rows = [
        {
            **{"model": part.name, "passes": part.passes, "pairs/s": f"{part.pairs_per_second:,.0f}"},
            "threshold": f"{part.threshold:.3f}",
            **{name: percent(part.metrics[name]) for name in _SHOWN},
        }
        for part in parts
    ]
    show(pd.DataFrame(rows), title)


def cost(parts: Sequence["Part"]) -> str:
    """Return in one sentence what the last part costs, beside the models alone."""
    mean, alone = parts[-1], [part for part in parts if part.passes == 1]
    one = len(alone) / sum(1 / part.pairs_per_second for part in alone)
    return (
        f"the {mean.name} takes {mean.passes} passes of a network for each pair in place of 1, and {one:,.0f} pairs/s "
        f"become {mean.pairs_per_second:,.0f} here; its threshold is of its own answers to the validation pairs"
    )


def plain_parts(parts: Sequence["Part"]) -> list[dict[str, Any]]:
    """Return the table in plain values, for `evaluation.json`."""
    return [{**part._asdict(), **part.metrics} for part in parts]
