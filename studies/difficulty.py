"""How hard are the simulator's datasets? AUROC of rules, trees and networks on fresh seeds.

    python -m studies.difficulty work=runs/difficulty

Runs the project's own commands, one after the other. Datasets and finished runs in `work` are kept, so the study may be
interrupted. It writes `difficulty.csv` (one row per dataset and method), `difficulty_mean.csv` and `difficulty.png`.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from omegaconf import MISSING

from oresort.console.palette import BLUE
from oresort.errors import InputError
from oresort.learn.record import read_row
from oresort.learn.run import finished
from studies import command
from studies.recipe.settings import COMPACT

LABELS = ("batch", "assay")
BF16 = "trainer.precision=bf16-mixed"
METHODS: dict[str, tuple[str, ...]] = {
    "R value": ("classic", "method=r_value"),
    "R value, corrected": ("classic", "method=r_value", "method.corrected=true"),
    "two thresholds": ("classic", "method=two_thresholds"),
    "gradient boosting": ("classic", "method=gradient_boosting"),
    "compact tower": ("train", *COMPACT, BF16),
    "paper's network": ("train", BF16),
}


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of datasets and runs
    out: Path = Path("experiments/simulator")  # folder for tables and figure
    pairs: int = 4000  # of each dataset
    epochs: int = 8  # of the networks
    seeds: list[int] = field(default_factory=lambda: [201, 202, 203])  # of simulation
    methods: list[str] = field(default_factory=lambda: list(METHODS))  # e.g. [R value,compact tower]
    collect: bool = False  # run nothing; tabulate what is there


def measure(options: Options) -> pd.DataFrame:
    """Run what is missing; return the mean test AUROC of every method in per cent. Results are written every run."""
    if unknown := set(options.methods) - set(METHODS):
        raise InputError(f"methods: unknown {min(unknown)!r}; known are {', '.join(METHODS)}")
    rows = []
    datasets = [(labels, seed) for labels in LABELS for seed in options.seeds]
    for labels, seed in datasets:
        data = options.work / f"{labels}_{seed}"
        if not data.is_dir() and not options.collect:
            command.oresort("simulate", f"out={data}", f"seed={seed}", f"pairs={options.pairs}", f"labels={labels}")
    for number, (name, (verb, *words)) in enumerate(METHODS.items()):
        for labels, seed in datasets:
            data, run = options.work / f"{labels}_{seed}", options.work / "runs" / f"{labels}_{seed}_{number}"
            if not (found := finished(run)):
                if options.collect or name not in options.methods:
                    continue
                shutil.rmtree(run, ignore_errors=True)  # of an interrupted run
                epochs = [f"trainer.max_epochs={options.epochs}"] if verb == "train" else []
                command.oresort(verb, f"data.root={data}", f"out={run}", "seed=0", *words, *epochs)
                found = read_row(run / "metrics.json")
            auroc = {split: 100 * found[f"{split}/auroc"] for split in ("val", "test")}
            rows.append({"labels": labels, "seed": seed, "method": name, **auroc})
            table = pd.DataFrame(rows)
            tables = {"difficulty.csv": table, "difficulty_mean.csv": means(table)}
            command.save(options.out, {**tables, "difficulty.png": draw(table)}, "%.2f")
    if not rows:
        raise InputError(f"{options.work}: no finished run to collect; leave collect out")
    return means(table)


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and deviation of the test AUROC over datasets, one row per method."""
    groups = table.groupby(["method", "labels"], sort=False)["test"].agg(["mean", "std"]).unstack("labels")
    flat = groups.set_axis(groups.columns.map("{0[1]}_{0[0]}".format), axis=1)
    counts = table.groupby("method", sort=False)["seed"].nunique().rename("datasets")
    return pd.concat([flat, counts], axis=1).reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """Draw the test AUROC of every method, one mark per dataset."""
    figure = Figure(figsize=(8, 3.6), dpi=110, layout="constrained")
    shown = [name for name in METHODS if name in set(table.method)]
    for axes, labels in zip(figure.subplots(1, 2, sharey=True), LABELS, strict=True):
        part = table[table.labels == labels]
        axes.plot(part.test, part.method.map(shown.index), "o", color=BLUE, alpha=0.6)
        axes.axvline(50, color="grey", linewidth=1)
        axes.set(title=f"labels={labels}", xlabel="test AUROC (%)", xlim=(35, 100))
        axes.set_yticks(range(len(shown)), shown)
    return figure


if __name__ == "__main__":
    command.run_study(Options, measure)
