"""Speed of exported models on this machine, beside eager PyTorch: `python benchmarks/runtime.py`.

Pairs a second from planes and from raw crops in counts (both layers of simulated particles, as a belt gives them), the
wait for one pair, and what it costs to import. Weights are as drawn: they do not change the speed. Pairs a second of
one thread are of processor time, of two of wall time; the wait is wall time, and one pair is always answered by one
thread of ONNX Runtime. `as a product` is what a network would do if each of its multiplications were done, as fast as
PyTorch does those of two large matrices.
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from help import seconds
from timing import Job, begin, fastest, parser, report

from oresort.belt.sample import sample_crops
from oresort.console.compose import composed
from oresort.console.progress import track
from oresort.files.dataset import SIMULATED
from oresort.learn.config import TrainConfig
from oresort.learn.export import export_model, serialised
from oresort.learn.module import OreModule
from oresort.learn.quantise import quantised
from oresort.learn.sweep import register_resolvers
from oresort.learn.trained import Trained
from oresort.make import make
from oresort.represent.representation import Representation
from oresort.runtime import OnnxModel
from oresort.runtime.sealed import seal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # studies lie outside the package

from studies.recipe.fresh import PAPER, REFERENCE
from studies.recipe.macs import macs
from studies.recipe.settings import COMPACT

BATCH = 64
RECIPES = {
    REFERENCE: COMPACT,
    "recipe=lite": ("recipe=lite",),
    "recipe=best": ("recipe=best",),
    PAPER: ("recipe=default",),
}
"""Words of each model, by its name in the study of recipes, whose AUROC stands beside its speed in the README."""

AIR = 52_350.0


def untrained(name: str) -> Trained:
    """Return a recipe's model with the weights that it begins with."""
    cfg = composed("train", TrainConfig, *RECIPES[name])
    representation = make(cfg.representation, Representation)  # type: ignore[type-abstract]
    spec = {**vars(cfg.model), "channels": representation.channels}
    module = OreModule(model=spec, representation=cfg.representation).eval()
    return Trained(Path(name), "", module, representation, {}, 0, SIMULATED)


def speeds(trained: Trained, model: OnnxModel, small: OnnxModel, crops: list[Any], budget: float) -> dict[str, float]:
    """Return pairs a second of every way."""
    lows, highs = [crop.low for crop in crops], [crop.high for crop in crops]
    pairs = zip(lows, highs, strict=True)
    planes = np.stack([trained.representation.planes(*pair, AIR, "zero") for pair in pairs])  # (B, 4, S, S)
    one = planes[:1]
    jobs: dict[str, tuple[Job, int]] = {
        "eager, planes": (lambda: trained.answer(planes), BATCH),
        "planes": (lambda: model.answer(planes), BATCH),
        "int8, planes": (lambda: small.answer(planes), BATCH),
        "planes, one by one": (lambda: [model.answer(one) for _ in range(BATCH)], BATCH),
        "raw crops": (lambda: model(lows, highs, AIR, "zero"), BATCH),
    }
    best = fastest({name: job for name, (job, _) in jobs.items()}, budget)
    return {name: count / best[name] for name, (_, count) in jobs.items()}


def peak() -> float:
    """Return multiplications and additions a second, in pairs, of the product of two large matrices of float32."""
    side = 2_048
    matrix = torch.rand(side, side)
    return side**3 / fastest({"product": lambda: matrix @ matrix}, 3.0)["product"]


def waits(trained: Trained, model: OnnxModel, crop: Any, runs: int) -> dict[str, float]:
    """Return quantiles in ms of the wait for one pair, from its planes and from its crops."""
    planes = trained.representation.planes(crop.low, crop.high, AIR, "zero")[None]  # (1, 4, S, S)
    jobs: dict[str, Job] = {
        "eager": lambda: trained.answer(planes),
        "planes": lambda: model.answer(planes),
        "crops": lambda: model([crop.low], [crop.high], AIR, "zero"),
    }
    found = {}
    for name, job in jobs.items():
        times = []
        for _ in range(runs):
            start = perf_counter()
            job()
            times.append(1e3 * (perf_counter() - start))
        for quantile in (50, 99):
            found[f"{name} p{quantile}"] = float(np.percentile(times[runs // 10 :], quantile))  # the first ones warm up
    return found


def imports() -> pd.DataFrame:
    """Return processor seconds of imports in processes of their own."""
    codes = {"onnxruntime": "import onnxruntime", "oresort.runtime": "from oresort.runtime import OnnxModel, Sorter"}
    found = {name: seconds("-c", code) for name, code in codes.items()}
    found["beyond onnxruntime's"] = found["oresort.runtime"] - found["onnxruntime"]
    return pd.DataFrame([{"import": name, "seconds": round(value, 2)} for name, value in found.items()])


def main() -> None:
    """Print the tables of one number of threads."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=12.0, help="of each model's speeds, all ways together")
    options.add_argument("--runs", type=int, default=2_000, help="of which the wait for one pair is taken")
    args = options.parse_args()
    machine = begin(args.threads)
    register_resolvers()
    crops = [crop for crop, _ in sample_crops(BATCH, 0, "zero")]
    rows, slow, most = [], [], peak()
    with tempfile.TemporaryDirectory() as folder:
        for name in track(RECIPES, len(RECIPES), "models"):
            trained = untrained(name)
            file = Path(folder) / "model.onnx"
            size = trained.representation.size
            planes = np.random.default_rng(0).random((BATCH, 4, size, size), np.float32)
            export_model(trained, file, [planes].copy, {})
            model, small = OnnxModel(file, args.threads), Path(folder) / "small.onnx"
            net = trained.module.net
            small.write_bytes(seal(quantised(serialised(trained, net, model.card), planes)))
            work = macs(net, trained.representation.channels, size)
            about = {
                "method": name,
                "parameters": sum(p.numel() for p in net.parameters()),
                "MMAC": round(work / 1e6, 2),
                "file kB": round(file.stat().st_size / 1_000),
            }
            found = speeds(trained, model, OnnxModel(small, args.threads), crops, args.seconds)
            faster = found["planes"] / found["eager, planes"]
            found["as a product"] = most / work
            rows.append({**about, **{k: round(v) for k, v in found.items()}, "times eager": round(faster, 1)})
            quantiles = waits(trained, model, crops[0], args.runs)
            slow.append({"method": name, **{key: round(value, 3) for key, value in quantiles.items()}})
    where = args.out / "runtime" if args.out else None
    torch.set_num_threads(1)
    tables = {
        "pairs a second, batches of 64": pd.DataFrame(rows),
        "ms until one pair is answered": pd.DataFrame(slow),
        f"imports, processor time (Python {sys.version.split()[0]})": imports(),
    }
    for number, (title, table) in enumerate(tables.items()):
        kind = ("speed", "wait", "import")[number]
        file_of = where / f"{kind}-{args.threads}.csv" if where else None
        report(table, f"{title}: {machine}", file_of)


if __name__ == "__main__":
    main()
