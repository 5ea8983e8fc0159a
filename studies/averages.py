"""What does the mean of three trainings, or of a particle's turns, bring, and what does it cost?

    python -m studies.averages "data=[DIR,DIR]" work=runs/averages_study

Trains each seed on each dataset, and measures one model alone, the mean of all seeds, one model over all turns, and
both. Runs what is missing in `work`, and writes `averages.csv` (a row a dataset and way), `summary.csv` and
`averages.png`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from omegaconf import MISSING

from oresort.console.palette import BLUE, GREY, VERMILION
from oresort.learn.averages import evaluate_average
from oresort.learn.fit import train
from oresort.learn.record import PREDICTIONS, read_predictions
from oresort.learn.run import finished
from oresort.tables.bootstrap import Run, paired_difference
from studies.command import compose, run_study, save

ALONE = "one model"
FIGURES = ("auroc", "balanced_accuracy", "brier", "ece")


@dataclass
class Options:
    """Keys of the command."""

    data: list[Path] = MISSING  # the datasets' folders
    work: Path = MISSING  # folder of the runs and of prepared pairs
    out: Path = Path("experiments/averages")  # folder for tables and figure
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    # of oresort.train: a small model and few steps, so that all trainings take minutes
    words: list[str] = field(
        default_factory=lambda: [
            *("model/tower=compact", "model/fusion=stack", "model/head=linear", "representation.size=32"),
            *("optim.lr=3e-3", "schedule=onecycle", "data.resident=true", "data.limit=2000", "trainer.max_epochs=5"),
        ]
    )


def study(options: Options) -> pd.DataFrame:
    """Train what is missing, write tables and figure, and return the means over datasets in per cent."""
    table = pd.DataFrame([row for root in options.data for row in _ways(options, root)])
    means = summary(table)
    save(options.out, {"averages.csv": table, "summary.csv": means, "averages.png": draw(table)}, "%.2f")
    return means


def _ways(options: Options, root: Path) -> Iterator[dict[str, Any]]:
    cache, quiet = options.work / "cache" / root.name, "trainer.enable_progress_bar=false"
    alone, folders = [], []
    for seed in options.seeds:
        folder = options.work / root.name / str(seed)
        own = f"data.root={root}", f"data.cache={cache}", f"seed={seed}", quiet
        row = finished(folder) or train(compose(*options.words, *own), folder)
        alone.append(Run(read_predictions(folder / PREDICTIONS, row, "test"), float(row["threshold"])))
        folders.append(str(folder))
    ways = [(f"mean of {len(folders)}", folders, False), (f"mean of {len(folders)}, all turns", folders, True)]
    turned = [evaluate_average([one], root, tta=True, device="cpu", cache=cache) for one in folders]
    first = evaluate_average(folders, root, device="cpu", cache=cache)
    parts = first.parts[:-1]
    speed = len(parts) / sum(1 / part.pairs_per_second for part in parts)
    known = {"data": root.name, "pairs": len(first.result.predictions), "way": ALONE, "passes": 1, "pairs_s": speed}
    yield known | {name: 100 * np.mean([part.metrics[name] for part in parts]) for name in FIGURES}
    found = [("one model, all turns", turned)]
    found += [(way, [evaluate_average(of, root, tta=tta, device="cpu", cache=cache)]) for way, of, tta in ways]
    for way, several in found:
        last = [one.parts[-1] for one in several]
        runs = [Run(one.result.predictions, one.result.threshold) for one in several]
        speed = len(last) / sum(1 / part.pairs_per_second for part in last)
        row = known | {"way": way, "passes": last[0].passes, "pairs_s": speed}
        row |= {name: 100 * np.mean([part.metrics[name] for part in last]) for name in FIGURES}
        yield row | _difference(runs, alone)


def _difference(own: Sequence[Run], alone: Sequence[Run]) -> dict[str, float]:
    sure = paired_difference(own, alone, "auroc")
    names = ("difference", "difference_low", "difference_high")
    return {} if sure is None else dict(zip(names, (100 * value for value in sure), strict=True))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row a way: means over datasets, and the mean, lowest and highest difference to one model."""
    grouped = table.groupby("way", sort=False)
    means = grouped[["passes", "pairs_s", *FIGURES, "difference"]].mean()
    ends = grouped["difference"].agg(["min", "max"]).add_prefix("difference_")
    return means.join(ends).reset_index()


def draw(table: pd.DataFrame) -> Figure:
    """Draw each way's difference to one model by dataset, with its interval over scans."""
    figure = Figure(figsize=(7, 3.2), dpi=110, layout="constrained")
    axes = figure.subplots()
    ways = [way for way in table["way"].unique() if way != ALONE]
    for place, way in enumerate(ways):
        part = table[table["way"] == way]
        y = place + 0.15 * (np.arange(len(part)) - (len(part) - 1) / 2)
        ends = np.stack([part["difference"] - part["difference_low"], part["difference_high"] - part["difference"]])
        axes.errorbar(part["difference"], y, xerr=ends, fmt="o", color=BLUE, capsize=3)
        axes.plot(part["difference"].mean(), place, "D", color=VERMILION, zorder=3)
    axes.axvline(0, color=GREY)
    axes.set_yticks(range(len(ways)), ways)
    axes.set(xlabel="test AUROC less one model's, points (95 % over scans)\ndiamond: mean over datasets")
    axes.grid(axis="x", alpha=0.3)
    return figure


if __name__ == "__main__":
    run_study(Options, study)
