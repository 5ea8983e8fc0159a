"""How many labels does a mine need, and what do pairs without labels, or simulated ones, give before?

    python -m studies.few_labels work=runs/few_labels

Each seed is one mine of its own simulation. Its few labelled pairs are whole scans of train and validation; its test is
whole, and no training sees it. Runs what is missing in `work`, one after the other, and writes `few_labels.csv` (one
row per mine, size and way), `summary.csv` and `few_labels.png` after every way. `ways=[two views,known quantities]`
runs the pretexts that were not kept.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from omegaconf import MISSING

from oresort.errors import InputError
from oresort.learn.record import PREDICTIONS, read_predictions
from oresort.learn.run import finished
from oresort.tables.bootstrap import Run
from studies import command
from studies.few_labels.compare import difference
from studies.few_labels.ways import FAR, SCRATCH, TRIED, WAYS, Budget, Mines

STYLES = dict(zip((*WAYS, *TRIED), ("o-", "s--", ":", "^-", "v-", "D-", "x-", "+-"), strict=True))


@dataclass
class Options:
    """Keys of the command."""

    work: Path = MISSING  # folder of datasets and runs
    out: Path = Path("experiments/few_labels")  # folder for tables and figure
    mines: list[int] = field(default_factory=lambda: [300, 301, 302])  # seeds of simulation; 101 was for choices
    sizes: list[int] = field(default_factory=lambda: [300, 100, 1000, 50])  # labelled pairs, in the order of running
    ways: list[str] = field(default_factory=lambda: list(WAYS))
    network: list[str] = field(default_factory=lambda: ["recipe=lite"])  # words of oresort.train
    pairs: int = 4000  # of each mine
    far: int = 8000  # of the simulated mine of another setting
    steps: int = 450  # of 32 pairs, of a training from scratch on few labels
    epochs: int = 8  # of every training before
    collect: bool = False  # run nothing more; tabulate what is there


def study(options: Options) -> pd.DataFrame:
    """Run what is missing; return the summary in per cent."""
    if unknown := set(options.ways) - {*WAYS, *TRIED}:
        raise InputError(f"ways: unknown {min(unknown)!r}; known are {', '.join((*WAYS, *TRIED))}")
    mines = Mines(options.work, options.network, options.pairs, Budget(options.steps, options.epochs, options.far))
    rows: list[dict[str, object]] = []
    runs: dict[tuple[str, int], dict[int, list[Run]]] = {}
    for size in options.sizes:
        for way in options.ways:
            if options.collect and not all(finished(mines.folder(way, mine, size)) for mine in options.mines):
                continue  # a mean over some of the mines would look like one over all
            for mine in options.mines:
                row, folder = mines.row(way, mine, size)
                run = Run(read_predictions(folder / PREDICTIONS, row, "test"), float(row["threshold"]))
                runs.setdefault((way, size), {})[mine] = [run]
                counts = {f"pairs_{side}": row[f"pairs/{side}"] for side in ("train", "val")}
                rows.append({"way": way, "size": size, "mine": mine, **counts, "auroc": 100 * row["test/auroc"]})
            if rows and not options.collect:
                _write(options.out, rows, runs)  # a study cut short leaves whole ways
    if not rows:
        raise InputError(f"{options.work}: no finished run to collect; leave collect out")
    return _write(options.out, rows, runs)


def _write(out: Path, rows: list[dict[str, object]], runs: dict[tuple[str, int], dict[int, list[Run]]]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    means = summary(table, runs)
    command.save(out, {"few_labels.csv": table, "summary.csv": means, "few_labels.png": draw(means)}, "%.2f")
    return means


def summary(table: pd.DataFrame, runs: dict[tuple[str, int], dict[int, list[Run]]]) -> pd.DataFrame:
    """Return one row per size and way: labelled pairs, mean and deviation over mines, difference to scratch."""
    found = []
    for way, size in runs:
        part = table[(table["size"] == size) & (table["way"] == way)]
        row = {"size": size, "way": way, "mines": len(part), "labelled": (part.pairs_train + part.pairs_val).mean()}
        row |= {"auroc_mean": part.auroc.mean(), "auroc_std": part.auroc.std()}
        own, reference = runs[way, size], runs.get((SCRATCH, size), {})
        if way != SCRATCH and own.keys() == reference.keys():
            sure = difference(own, reference)
            names = ("difference", "difference_low", "difference_high")
            row |= dict(zip(names, (100 * value for value in sure), strict=True))
        found.append(row)
    columns = ["difference", "difference_low", "difference_high"]
    frame = pd.DataFrame(found)
    frame = frame.reindex(columns=[*frame.columns, *(name for name in columns if name not in frame)])
    return frame.sort_values("size", kind="stable", ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the learning curves, means over mines with their deviations."""
    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    ways = [way for way in (*WAYS, *TRIED) if way in set(table.way)]
    for way in ways:
        style = STYLES[way]
        part = table[table.way == way].sort_values("size")
        if way == FAR:
            axes.axhline(part.auroc_mean.iloc[0], ls=style, color="grey", label=way)
        else:
            axes.errorbar(part["size"], part.auroc_mean, part.auroc_std.fillna(0), fmt=style, capsize=2, label=way)
    axes.set(xscale="log", xlabel="labelled pairs (train and validation)", ylabel="test AUROC (%)")
    sizes = sorted(table["size"].unique())
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    command.run_study(Options, study)
