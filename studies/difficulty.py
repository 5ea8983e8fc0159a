"""Study of how hard the simulator's datasets are: AUROC of rules, trees and networks on fresh seeds.

    python -m studies.difficulty --work runs/difficulty --out experiments/simulator

Runs the project's own commands, one after the other; datasets and runs that are in `--work` already are kept, so
that it can be interrupted. Writes `difficulty.csv` (a row a dataset and method), `difficulty_mean.csv` and
`difficulty.png` into `--out`.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oresort.files.record import read_row
from oresort.files.write import replacing
from oresort.learn.run import finished

LABELS = ("batch", "assay")
NETWORK = ("oresort.train", "trainer.max_epochs={epochs}", "trainer.precision=bf16-mixed")
METHODS: dict[str, tuple[str, ...]] = {
    "R value": ("oresort.classic", "method=r_value"),
    "R value, corrected": ("oresort.classic", "method=r_value", "method.corrected=true"),
    "two thresholds": ("oresort.classic", "method=two_thresholds"),
    "gradient boosting": ("oresort.classic", "method=gradient_boosting"),
    "compact tower": (
        *NETWORK,
        "model/tower=compact",
        "model/fusion=stack",
        "model/head=linear",
        "optim.lr=3e-3",
        "optim.start_lr=3e-4",
        "optim.final_lr=3e-5",
    ),
    "paper's network": NETWORK,
}


def command(module: str, *words: str) -> None:
    """Run one of the project's commands; its own message and a non-zero exit end the study."""
    if subprocess.run([sys.executable, "-m", module, *words], check=False).returncode:
        sys.exit(f"error: python -m {module} {' '.join(words)} failed (above)")


def measure(
    work: Path,
    out: Path,
    pairs: int,
    epochs: int,
    seeds: Sequence[int],
    methods: Sequence[str] = tuple(METHODS),
    collect: bool = False,
) -> pd.DataFrame:
    """Simulate every dataset and run every method that is not there yet; return AUROC, per cent, a row each.

    Tables and figure in `out` are written after every run. With `collect` nothing is run: only what is in `work`
    is read.
    """
    rows = []
    datasets = [(labels, seed) for labels in LABELS for seed in seeds]
    for labels, seed in datasets:
        data = work / f"{labels}_{seed}"
        if not data.is_dir() and not collect:
            command("oresort.simulate", f"out={data}", f"pairs={pairs}", f"seed={seed}", f"labels={labels}")
    for number, (name, (module, *words)) in enumerate(METHODS.items()):
        for labels, seed in datasets:
            data, run = work / f"{labels}_{seed}", work / "runs" / f"{labels}_{seed}_{number}"
            if not (found := finished(run)):
                if collect or name not in methods:
                    continue
                shutil.rmtree(run, ignore_errors=True)  # of an interrupted run
                options = [word.format(epochs=epochs) for word in words]
                command(module, f"data.root={data}", f"out={run}", "seed=0", *options)
                found = read_row(run / "metrics.json")
            auroc = {split: 100 * found[f"{split}/auroc"] for split in ("val", "test")}
            rows.append({"labels": labels, "seed": seed, "method": name, **auroc})
            write(pd.DataFrame(rows), out)
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> Figure:
    """Draw the test AUROC of every method, one mark a dataset."""
    figure = Figure(figsize=(8, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    shown = [name for name in METHODS if name in set(table.method)]
    for axes, labels in zip(figure.subplots(1, 2, sharey=True), LABELS, strict=True):
        part = table[table.labels == labels]
        places = part.method.map(shown.index)
        axes.plot(part.test, places, "o", color="#0072B2", alpha=0.6)
        axes.axvline(50, color="grey", linewidth=1)
        axes.set(title=f"labels={labels}", xlabel="test AUROC (%)", xlim=(35, 100))
        axes.set_yticks(range(len(shown)), shown)
    return figure


def write(table: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Write tables and figure of what is measured so far into a folder; return the means over datasets."""
    out.mkdir(parents=True, exist_ok=True)
    grouped = table.groupby(["labels", "method"], sort=False)["test"].agg(["count", "mean", "std"])
    for name, frame in (("difficulty", table.set_index("labels")), ("difficulty_mean", grouped)):
        with replacing(out / f"{name}.csv") as temporary:
            frame.to_csv(temporary, float_format="%.2f")
    with replacing(out / "difficulty.png") as temporary:
        draw(table).savefig(temporary)
    return grouped


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of datasets and runs")
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and figure")
    parser.add_argument("--pairs", type=int, default=4000, help="pairs of each dataset (%(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help="of the networks (%(default)s)")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[201, 202, 203], help="of simulation (%(default)s)"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        metavar="METHOD",
        default=list(METHODS),
        help=f"only these: {', '.join(METHODS)}",
    )
    parser.add_argument("--collect", action="store_true", help="run nothing; tabulate what is there")
    options = parser.parse_args()
    table = measure(**vars(options))
    if table.empty:
        sys.exit(f"error: {options.work}: no finished run to collect; leave --collect out")
    print(write(table, options.out).round(1).to_string())


if __name__ == "__main__":
    main()
