"""Parameters, FLOPs and speed of every member of the zoo, in one table: `python benchmarks/zoo.py`.

Members are what conf/model holds: every fusion with the paper's tower and head, every head with the paper's tower
and fusion, every tower with both energies stacked and the head `linear`. FLOPs are torch's count for one pair
(two for a multiply-add; products and convolutions only). Speeds are pairs/s of whole training steps with Adam and
of inference, the fastest of all rounds, one after the other: on a busy machine read orders of magnitude.
"""

import argparse
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import yaml
from models import Job, inference, step
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode

from oresort.learn.report import markdown
from oresort.models.build import build_model
from oresort.models.pairnet import PairNet
from oresort.paths import CONF_DIR, replacing
from oresort.progress import track

SMALLEST = {"vit_base": 48, "alexnet": 64}  # what their patches and pools allow; the others take 40
GROUPS = ("tower", "fusion", "head")


def spec(group: str, name: str) -> dict[str, Any]:
    """Return the plain dict of one file."""
    content: dict[str, Any] = yaml.safe_load((CONF_DIR / "model" / group / f"{name}.yaml").read_text())
    return content


def members() -> list[tuple[str, str, dict[str, Any]]]:
    """Return kind, name and model spec of every member."""
    paper = {"tower": spec("tower", "paper"), "fusion": spec("fusion", "hybrid"), "head": spec("head", "kan")}
    baseline = {"fusion": spec("fusion", "stack"), "head": spec("head", "linear")}
    found = []
    for group in GROUPS:
        for name in sorted(path.stem for path in (CONF_DIR / "model" / group).glob("*.yaml")):
            part = spec(group, name)
            if group == "tower" and "size" in part:
                part["size"] = SMALLEST.get(name, 40)
            found.append((group, name, {**(baseline if group == "tower" else paper), group: part}))
    return found


def rate(job: Job, pairs: int, seconds: float) -> float:
    """Return pairs/s of the fastest run within so many seconds, at least two runs."""
    job()
    best, runs, end = float("inf"), 0, perf_counter() + seconds
    while runs < 2 or perf_counter() < end:
        start = perf_counter()
        job()
        best, runs = min(best, perf_counter() - start), runs + 1
    return pairs / best


def flops(model: PairNet) -> float:
    """Return the floating-point operations of one pair of 40 x 40 pixels."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(*torch.randn(2, 1, 1, 40, 40))
    return float(counter.get_total_flops())


def row(kind: str, name: str, model: PairNet, batch: int, seconds: float) -> dict[str, Any]:
    """Measure one member."""
    pair = tuple(torch.randn(2, batch, 1, 40, 40))
    return {
        "part": kind,
        "name": name,
        "parameters, M": f"{sum(p.numel() for p in model.parameters()) / 1e6:.3f}",
        "GFLOP": f"{flops(model) / 1e9:.3f}",
        "training, pairs/s": f"{rate(step(model, *pair), batch, seconds):.0f}",
        "inference, pairs/s": f"{rate(inference(model, *pair), batch, seconds):.0f}",
    }


def main() -> None:
    """Measure all members and print the table as Markdown."""
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64, help="pairs")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each speed")
    parser.add_argument("--out", type=Path, default=None, help="also write the table there")
    options = parser.parse_args()
    rows = []
    chosen = members()
    for kind, name, model in track(chosen, len(chosen), "zoo"):
        torch.manual_seed(0)
        rows.append(row(kind, name, build_model(model), options.batch, options.seconds))
    head = (
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {options.batch}, 40 x 40 pixels"
    )
    text = f"{head}\n\n{markdown(pd.DataFrame(rows))}"
    Console(width=120).print(text, markup=False)
    if options.out:
        with replacing(options.out) as temporary:
            temporary.write_text(text)


if __name__ == "__main__":
    main()
