"""How hard the simulator's datasets are: AUROC of rules, trees and the paper's network on fresh seeds.

    python experiments/simulator/difficulty.py --work runs/difficulty

Runs the project's own commands, one after the other; datasets and runs that are in `--work` already are kept, so
that it can be interrupted. Writes `difficulty.csv` (a row a dataset and method), `difficulty_mean.csv` and
`difficulty.png` beside this file.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from oresort.paths import replacing

HERE = Path(__file__).parent
LABELS = ("batch", "assay")
SMALL = str(HERE / "small_network.py")
METHODS = {
    "R value": ("oresort.baseline", "method=r_value"),
    "R value, corrected": ("oresort.baseline", "method=r_value", "method.corrected=true"),
    "two thresholds": ("oresort.baseline", "method=two_thresholds"),
    "gradient boosting": ("oresort.baseline", "method=gradient_boosting"),
    "small network": (SMALL,),
    "paper's network": (
        "oresort.train",
        "representation=attenuation",
        "trainer.max_epochs={epochs}",
        "trainer.precision=bf16-mixed",
    ),
}


def command(module: str, *words: str) -> None:
    """Run one of the project's commands, or a script; its own message and a non-zero exit end the study."""
    start = [module] if module.endswith(".py") else ["-m", module]
    done = subprocess.run([sys.executable, *start, *words], check=False)
    if done.returncode:
        sys.exit(f"error: {module} {' '.join(words)} failed (above)")


def finished(out: Path) -> bool:
    """Tell whether a run folder holds a run that came to its end."""
    file = out / "metrics.json"
    return file.is_file() and json.loads(file.read_text())["status"] == "finished"


def measure(work: Path, pairs: int, epochs: int, seeds: list[int], collect: bool) -> pd.DataFrame:
    """Simulate every dataset and run every method that is not there yet; return AUROC, per cent, a row each.

    With `collect` nothing is run: only what is there is read.
    """
    rows = []
    datasets = [(labels, seed) for labels in LABELS for seed in seeds]
    for labels, seed in datasets:
        data = work / f"{labels}_{seed}"
        if not data.is_dir() and not collect:
            command("oresort.simulate", f"out={data}", f"pairs={pairs}", f"seed={seed}", f"labels={labels}")
    for number, (name, (module, *words)) in enumerate(METHODS.items()):
        for labels, seed in datasets:
            data, out = work / f"{labels}_{seed}", work / "runs" / f"{labels}_{seed}_{number}"
            if not finished(out):
                if collect:
                    continue
                shutil.rmtree(out, ignore_errors=True)  # of an interrupted run
                options = [word.format(epochs=epochs) for word in words]
                if module == SMALL:
                    command(SMALL, str(data), str(out))
                else:
                    command(module, f"data.root={data}", f"out={out}", "seed=0", *options)
            found = json.loads((out / "metrics.json").read_text())
            auroc = {split: 100 * found[f"{split}/auroc"] for split in ("val", "test")}
            rows.append({"labels": labels, "seed": seed, "method": name, **auroc})
            write(pd.DataFrame(rows))
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


def write(table: pd.DataFrame) -> pd.DataFrame:
    """Write tables and figure of what is measured so far; return the means over datasets."""
    grouped = table.groupby(["labels", "method"], sort=False)["test"].agg(["count", "mean", "std"])
    for name, frame in (("difficulty", table.set_index("labels")), ("difficulty_mean", grouped)):
        with replacing(HERE / f"{name}.csv") as temporary:
            frame.to_csv(temporary, float_format="%.2f")
    with replacing(HERE / "difficulty.png") as temporary:
        draw(table).savefig(temporary)
    return grouped


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of datasets and runs")
    parser.add_argument("--pairs", type=int, default=4000, help="pairs of each dataset (%(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help="of the network (%(default)s)")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[201, 202, 203], help="of simulation (%(default)s)"
    )
    parser.add_argument("--collect", action="store_true", help="run nothing; tabulate what is there")
    table = measure(**vars(parser.parse_args()))
    grouped = write(table)
    print(grouped.round(1).to_string())


if __name__ == "__main__":
    main()
