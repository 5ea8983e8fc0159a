"""Does a model that learns the grade sort as well at a cut-off as one that learned the classes of that cut-off?

    python -m studies.grade work=runs/grade

Simulates and trains what is missing in `work`, and may be interrupted. It writes `figures.csv` (a row for each seed,
cut-off and model), `grade.csv` (means over seeds, and the difference to the classifier of the same cut-off with its
interval: scans of each seed's test are drawn, and the mean over seeds is taken) and `grade.png`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from omegaconf import MISSING

from oresort.console.palette import BLUE, GREY, VERMILION
from oresort.errors import InputError
from oresort.learn.evaluation import Evaluation, evaluate_checkpoint
from oresort.learn.run import finished
from oresort.tables.bootstrap import Run, paired_difference
from studies.command import oresort, run_study, save
from studies.few_labels.compare import difference

GRADE, OWN, FIRST = "grade, any cut-off", "classes of this cut-off", "classes of the first cut-off"
Runs = dict[tuple[float, str], dict[int, list[Run]]]
"""What a model of a cut-off said of each seed's test."""

_METRICS = ("auroc", "balanced_accuracy", "brier")
_COLOURS = {GREY: FIRST, BLUE: OWN, VERMILION: GRADE}


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of datasets and runs
    out: Path = Path("experiments/grade")  # folder for tables and figure
    seeds: list[int] = field(default_factory=lambda: [300, 301, 302])  # of simulation and training
    cutoffs: list[float] = field(default_factory=lambda: [0.1, 0.2, 0.3])  # wt % Cu; grades learn at the first
    pairs: int = 4000  # simulated, validation and test included
    epochs: int = 28


def study(options: Options) -> pd.DataFrame:
    """Train what is missing, write tables and picture, and return the means."""
    if len(options.cutoffs) < 2 or not options.seeds:
        raise InputError("cutoffs, seeds: give two cut-offs or more, and a seed")
    rows: list[dict[str, Any]] = []
    runs: Runs = {}
    for seed in options.seeds:
        rows += _seed(options, seed, runs)
    figures = pd.DataFrame(rows)
    means = summary(figures, runs)
    save(options.out, {"figures.csv": figures, "grade.csv": means, "grade.png": draw(figures)}, "%.4f")
    return means


def _seed(options: Options, seed: int, runs: Runs) -> list[dict[str, Any]]:
    """Return the rows of a seed, and add what each model said of its test to `runs`."""
    root = options.work / "data" / f"s{seed}_n{options.pairs}"
    if not root.is_dir():
        oresort("simulate", f"out={root}", f"pairs={options.pairs}", f"seed={seed}")
    first = options.cutoffs[0]
    learned = _trained(options, root, seed, "grade", first)
    classes = {cutoff: _trained(options, root, seed, "class", cutoff) for cutoff in options.cutoffs}
    rows = []
    for cutoff in options.cutoffs:
        asked = {OWN: classes[cutoff], GRADE: learned} | ({} if cutoff == first else {FIRST: classes[first]})
        found = {name: _asked(options, run, root, cutoff) for name, run in asked.items()}
        own = Run(found[OWN].predictions, found[OWN].threshold)
        for name, one in found.items():
            runs.setdefault((cutoff, name), {})[seed] = [Run(one.predictions, one.threshold)]
            row: dict[str, Any] = {"seed": seed, "cutoff": cutoff, "model": name, "pairs": len(one.predictions)}
            row["ore"] = (one.predictions["label"] == "ore").mean()
            row |= {metric: one.metrics[metric] for metric in _METRICS}
            row |= {key: one.grade.get(key, np.nan) for key in ("rmse", "rmse_blind", "correlation", "covered")}
            less = None if name == OWN else paired_difference([Run(one.predictions, one.threshold)], [own], "auroc")
            row |= dict(zip(("difference", "difference_low", "difference_high"), less or [np.nan] * 3, strict=True))
            rows.append(row)
    return rows


def _trained(options: Options, root: Path, seed: int, task: str, cutoff: float) -> Path:
    run = options.work / "runs" / f"{task}_{cutoff:g}_s{seed}_n{options.pairs}_e{options.epochs}"
    if not finished(run):
        words = ("recipe=lite", f"recipe.epochs={options.epochs}", f"seed={seed}", "trainer.enable_progress_bar=false")
        place = (f"data.root={root}", f"data.cache={options.work / 'cache'}", f"out={run}")
        oresort("train", f"task={task}", f"cutoff={cutoff:g}", *words, *place)
    return run


def _asked(options: Options, run: Path, root: Path, cutoff: float) -> Evaluation:
    return evaluate_checkpoint(run, root, cutoff=cutoff, device="cpu", cache=options.work / "cache")


def summary(figures: pd.DataFrame, runs: Runs) -> pd.DataFrame:
    """Return means over seeds of each cut-off and model, in their order, AUROC and its differences in per cent."""
    table = figures.assign(**{name: 100 * figures[name] for name in ("ore", "auroc", "balanced_accuracy")})
    kept = ["ore", *_METRICS, "rmse", "rmse_blind", "correlation", "covered"]
    grouped = table.groupby(["cutoff", "model"], sort=False)
    means = grouped[kept].mean().assign(seeds=grouped.size()).reset_index()
    ends = ("difference", "difference_low", "difference_high")
    for row, (cutoff, name) in enumerate(zip(means["cutoff"], means["model"], strict=True)):
        if name != OWN:
            less = difference(runs[cutoff, name], runs[cutoff, OWN])
            means.loc[row, list(ends)] = [100 * value for value in less]
    return means


def draw(figures: pd.DataFrame) -> Figure:
    """Draw AUROC of every seed, and their mean, by cut-off."""
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    cutoffs = sorted(figures["cutoff"].unique())
    for shift, (colour, name) in zip((-0.2, 0.0, 0.2), _COLOURS.items(), strict=True):
        mine = figures[figures["model"] == name]
        place = np.array([cutoffs.index(cutoff) for cutoff in mine["cutoff"]]) + shift
        axes.plot(place, 100 * mine["auroc"], "o", color=colour, alpha=0.4)
        means = 100 * mine.groupby("cutoff")["auroc"].mean()
        axes.plot([cutoffs.index(c) + shift for c in means.index], means, "_", color=colour, markersize=22, label=name)
    axes.set_xticks(range(len(cutoffs)), [f"{cutoff:g}" for cutoff in cutoffs])
    axes.set(xlabel="cut-off, wt % Cu", ylabel="AUROC by assay, %")
    axes.set_title("simulated test pairs; a point a seed, a line their mean", fontsize=9)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8, loc="upper center")
    return figure


if __name__ == "__main__":
    run_study(Options, study)
