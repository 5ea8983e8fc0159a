"""How far is the figure of one split from that of five folds of the same pairs?

    python -m studies.crossval data=DIR work=runs/crossval_study

Trains one model a fold, and one a drawn split, all of one seed. Runs what is missing in `work`, and writes `runs.csv`
(a row a training), `summary.csv` and `crossval.png` when all are there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from omegaconf import MISSING

from oresort.console.palette import BLUE, GREEN, GREY
from oresort.learn.fit import train
from oresort.learn.record import PREDICTIONS, read_predictions
from oresort.learn.run import finished
from oresort.tables.collect import collect
from oresort.tables.page.intervals import figures
from oresort.tables.summary import summarise
from studies.command import compose, run_study, save


@dataclass
class Options:
    """Keys of the command."""

    data: Path = MISSING  # the dataset's folder
    work: Path = MISSING  # folder of the runs and of prepared pairs
    out: Path = Path("experiments/crossval")  # folder for tables and figure
    folds: int = 5
    splits: int = 6  # drawn splits, by split_seed 1, 2, ...
    # of oresort.train: a small model and few steps, so that all trainings take minutes
    words: list[str] = field(
        default_factory=lambda: [
            *("model/tower=compact", "model/fusion=stack", "model/head=linear", "representation.size=32"),
            *("optim.lr=3e-3", "schedule=onecycle", "data.resident=true", "trainer.max_epochs=5"),
        ]
    )


def study(options: Options) -> pd.DataFrame:
    """Train what is missing, write tables and figure, and return the summary in per cent."""
    table = pd.DataFrame(list(_runs(options)))
    (whole,) = summarise(collect(options.work / "folds")).table.to_dict("records")
    means = summary(table, {str(key): value for key, value in whole.items()})
    drawn = draw(table, float(means.loc[means["of"] == "all folds", "auroc"].iloc[0]))
    save(options.out, {"runs.csv": table, "summary.csv": means, "crossval.png": drawn}, "%.2f")
    return means


def _runs(options: Options) -> Iterator[dict[str, Any]]:
    """Yield a row a training: which pairs it tests, and its AUROC there with its interval over scans, in per cent."""
    kinds = [("fold", n, f"data.folds={options.folds}", f"data.fold={n}") for n in range(options.folds)]
    kinds += [("split", n, "data.split=seeded", f"data.split_seed={n}") for n in range(1, options.splits + 1)]
    own = f"data.root={options.data}", f"data.cache={options.work / 'cache'}", "trainer.enable_progress_bar=false"
    for kind, number, *words in kinds:
        folder = options.work / f"{kind}s" / str(number)
        row = finished(folder) or train(compose(*options.words, *own, *words, f"name={kind}s"), folder)
        told = read_predictions(folder / PREDICTIONS, row, "test")
        known = figures(told, float(row["threshold"]), ["auroc"])
        ends = ("auroc", "auroc_low", "auroc_high")
        auroc = {end: np.nan if known[end] is None else 100 * known[end] for end in ends}
        yield {"kind": kind, "number": number, "pairs": len(told), "scans": told["scan"].nunique(), **auroc}


def summary(table: pd.DataFrame, folds: dict[str, Any]) -> pd.DataFrame:
    """Return what folds and splits come to, and how far splits are off the mean over folds, in per cent and points.

    `folds` is the row of `oresort.tables.summary.summarise`.
    """
    splits, per_fold = table[table["kind"] == "split"], table[table["kind"] == "fold"]
    mean, middle = 100 * folds["auroc_mean"], 100 * folds["pooled"]
    off = (splits["auroc"] - mean).abs()
    inside = (splits["auroc_low"] <= mean) & (mean <= splits["auroc_high"])
    rows = [
        {"of": "mean over folds", "auroc": mean, "deviation": 100 * folds["auroc_std"], "trainings": len(per_fold)},
        {
            **{"of": "all folds", "auroc": middle, "trainings": len(per_fold)},
            **{f"auroc_{end}": 100 * folds[f"pooled_{end}"] for end in ("low", "high")},
        },
        {"of": "one split, mean", "auroc": splits["auroc"].mean(), "deviation": splits["auroc"].std(), "trainings": 1},
        {"of": "lowest split", "auroc": splits["auroc"].min(), "trainings": 1},
        {"of": "highest split", "auroc": splits["auroc"].max(), "trainings": 1},
    ]
    told = pd.DataFrame(rows)
    told["off"] = (told["auroc"] - mean).where(told["of"] != "mean over folds")
    told.loc[told["of"] == "one split, mean", ["off_rms", "held"]] = np.sqrt((off**2).mean()), 100 * inside.mean()
    return told


def draw(table: pd.DataFrame, pooled: float) -> Figure:
    """Draw each fold and each split with its interval, and the figure over all folds."""
    figure = Figure(figsize=(7, 3.4), dpi=110, layout="constrained")
    axes = figure.subplots()
    for kind, colour in (("fold", GREEN), ("split", BLUE)):
        part = table[table["kind"] == kind]
        ends = np.stack([part["auroc"] - part["auroc_low"], part["auroc_high"] - part["auroc"]])
        axes.errorbar(part.index, part["auroc"], ends, fmt="o", color=colour, capsize=3, label=f"one {kind}")
    axes.axhline(table.loc[table["kind"] == "fold", "auroc"].mean(), color=GREEN, label="mean over folds")
    axes.axhline(pooled, color=GREY, linestyle="--", label="all folds as one set")
    axes.set_xticks(table.index, [f"{row.kind} {row.number}" for row in table.itertuples()], rotation=60, fontsize=8)
    axes.set(ylabel="test AUROC (%), 95 % over scans")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.18))
    return figure


if __name__ == "__main__":
    run_study(Options, study)
