"""How good are the recipes on data that nothing was chosen on?

    python -m studies.recipe.fresh work=runs/recipe

Datasets of 4,000 pairs of fresh seeds: ten as the search's, three with half the association, three labelled by grade.
Every method trains on each of them once, with its default number of epochs, and is measured on the test split.
Finished runs in `work` are kept. It writes `fresh.csv` (a row a dataset and method), `fresh_mean.csv` and `fresh.png`.
"""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from omegaconf import MISSING
from scipy import stats

from oresort.console.palette import BLUE
from oresort.errors import InputError
from oresort.learn.fit import train
from oresort.learn.record import read_row
from oresort.learn.run import finished
from studies import command
from studies.recipe.settings import COMPACT

REFERENCE = "compact, its fast rate"
PAPER = "the paper's network, ten times lite's time"
METHODS: dict[str, tuple[str, ...]] = {
    "gradient boosting": (),
    REFERENCE: COMPACT,
    "recipe=lite": ("recipe=lite",),
    "recipe=best": ("recipe=best",),
    PAPER: (
        *("recipe=default", "trainer.max_epochs=8", "trainer.precision=bf16-mixed", "channels_last=true"),
        "data.resident=true",
    ),
}
SETS: dict[str, tuple[str, ...]] = {
    "lot": (),
    "lot, association 0.4": ("association=0.4",),
    "grade": ("labels=assay",),
}


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of datasets and runs
    out: Path = Path("experiments/recipe")  # folder for tables and figure
    pairs: int = 4000  # of each dataset
    seeds: list[int] = field(default_factory=lambda: list(range(300, 310)))  # of simulation; of the others the first 3
    methods: list[str] = field(default_factory=lambda: list(METHODS))  # e.g. ["recipe=lite"]
    threads: int = 1  # of each training
    collect: bool = False  # run nothing; tabulate what is there
    part: list[int] = field(default_factory=lambda: [0, 1])  # [1,2]: the second of two processes that share the work


def measure(options: Options) -> pd.DataFrame:
    """Run what is missing; return means over datasets. Tables and figure are written after every run."""
    if unknown := set(options.methods) - set(METHODS):
        raise InputError(f"methods: unknown {min(unknown)!r}; known are {', '.join(METHODS)}")
    torch.set_num_threads(options.threads)
    cases = [(name, seed) for name in SETS for seed in (options.seeds if not SETS[name] else options.seeds[:3])]
    rows = []
    for number, (kind, seed) in enumerate(cases):
        data = options.work / f"{kind.replace(',', '').replace(' ', '_')}_{seed}"
        own = not options.collect and number % options.part[1] == options.part[0]
        if own and not data.is_dir():
            command.oresort("simulate", f"out={data}", f"seed={seed}", f"pairs={options.pairs}", *SETS[kind])
        for place, (method, words) in enumerate(METHODS.items()):
            run = options.work / "runs" / f"{data.name}_{place}"
            found = finished(run)
            if not found and own and method in options.methods:
                shutil.rmtree(run, ignore_errors=True)  # of an interrupted run
                found = fit(data, run, words)
            if found:
                figures = {name: 100 * found[f"test/{name}"] for name in ("auroc", "balanced_accuracy")}
                note = run / "cpu_seconds.txt"
                seconds = float(note.read_text(encoding="utf-8")) if note.is_file() else float("nan")
                rows.append({"labels": kind, "seed": seed, "method": method, **figures, "cpu_seconds": seconds})
        if rows:
            table = pd.DataFrame(rows)
            tables = {"fresh.csv": table, "fresh_mean.csv": means(table)}
            command.save(options.out, {**tables, "fresh.png": draw(table)}, "%.2f")
    if not rows:
        raise InputError(f"{options.work}: no finished run to collect; leave collect out")
    return means(table)


def fit(data: Path, run: Path, words: tuple[str, ...]) -> dict[str, float]:
    """Run one method on a dataset; return its row."""
    if not words:
        command.oresort("classic", "method=gradient_boosting", f"data.root={data}", f"out={run}")
        return read_row(run / "metrics.json")
    cfg = command.compose(*words, f"data.root={data}", "trainer.enable_progress_bar=false")
    start = time.process_time()
    row = train(cfg, run)
    seconds = time.process_time() - start
    (run / "cpu_seconds.txt").write_text(f"{seconds:.1f}\n", encoding="utf-8")
    return row


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for labels and method: means and deviations over datasets, and the difference to the reference.

    The interval holds 95 % of Student's distribution over datasets, each of which is a mine of its own; two say too
    little for one.
    """
    rows = []
    for (labels, method), part in table.groupby(["labels", "method"], sort=False):
        other = table[(table["labels"] == labels) & (table["method"] == REFERENCE)]
        both = part.merge(other, on="seed", suffixes=("", "_reference"))
        row = {
            **{"labels": labels, "method": method, "datasets": len(part)},
            **{"auroc_mean": part["auroc"].mean(), "auroc_std": part["auroc"].std()},
            "balanced_accuracy": part["balanced_accuracy"].mean(),
        }
        if method != REFERENCE and len(both) > 1:
            ahead = (both["auroc"] - both["auroc_reference"]).to_numpy(np.float64)
            reach = float(stats.t.ppf(0.975, len(ahead) - 1)) * ahead.std(ddof=1) / np.sqrt(len(ahead))
            reach = reach if len(ahead) > 2 else np.nan
            row |= {"difference": ahead.mean(), "difference_low": ahead.mean() - reach}
            row |= {"difference_high": ahead.mean() + reach, "ahead_on": int((ahead > 0).sum())}
        rows.append(row)
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> Figure:
    """Return a figure: the test AUROC of every method, a line a dataset."""
    kinds = [kind for kind in SETS if kind in set(table["labels"])]
    figure = Figure(figsize=(3.4 * len(kinds) + 1, 3.4), dpi=110, layout="constrained")
    methods = [name for name in METHODS if name in set(table["method"])]
    for axes, kind in zip(np.atleast_1d(figure.subplots(1, len(kinds), sharey=True)), kinds, strict=True):
        for _, part in table[table["labels"] == kind].groupby("seed"):
            axes.plot([methods.index(name) for name in part["method"]], part["auroc"], "o-", color=BLUE, alpha=0.5)
        axes.set_xticks(range(len(methods)), [name.replace(", ", ",\n") for name in methods], rotation=30, ha="right")
        axes.set(title=f"labels by {kind}", ylabel="test AUROC, %" if kind == kinds[0] else "")
        axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    command.run_study(Options, measure)
