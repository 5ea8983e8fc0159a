"""Parameters, FLOPs and speed of every member of the zoo, in one table: `python benchmarks/zoo.py`.

Members are what conf/model holds: every fusion with the paper's tower and head, every head with the paper's tower
and fusion, every other tower of ours with both energies stacked and the head `linear`, every published network with
that head as in the paper (one channel, 224 x 224) and in the affordable way (both energies stacked, 40 x 40 or the
smallest size that it takes). FLOPs are torch's count for one pair (two for a multiply-add; products and convolutions
only). Speeds are pairs/s of whole training steps with Adam and of inference; members with our towers take turns,
published networks come one after the other.
"""

import contextlib
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from matplotlib.figure import Figure
from timing import begin, fastest, inference, parser, report, spec, step
from torch.utils.flop_counter import FlopCounterMode

from oresort.console.progress import track
from oresort.errors import InputError
from oresort.files.write import replacing
from oresort.models.build import build_model
from oresort.models.pairnet import PairNet
from oresort.paths import choices, part

LARGE = 224
LARGE_BATCH = 4
Spec = dict[str, Any]


def smallest(name: str) -> int:
    """Return the smallest size in pixels, of those in use, that a published network takes."""
    for size in (40, 48, 64):
        with contextlib.suppress(InputError), torch.device("meta"):
            build_model({**spec(name, "stack", "linear"), "tower": part("model/tower", name, size=size)})
            return size
    return LARGE


def members() -> list[tuple[str, str, Spec]]:
    """Return part, name and model spec of every member."""
    groups = ("fusion", "head")
    found = [(g, name, spec(**{g: name})) for g in groups for name in choices(f"model/{g}")]
    for name in choices("model/tower"):
        model = spec(name, "stack", "linear")
        if "size" not in model["tower"]:  # the paper's is in every member above
            found += [("tower", name, model)] if name != "paper" else []
            continue
        label = f"timm, {model['tower']['name']}" if name == "timm" else name
        for size, fusion in [(smallest(name), "stack"), (LARGE, "low")][: 1 if name == "timm" else 2]:
            model = spec(name, fusion, "linear")
            model["tower"]["size"] = size
            found.append((f"published, {size} px", label, model))
    return sorted(found, key=lambda member: (member[0].startswith("published"), member[0].endswith(f"{LARGE} px")))


def flops(model: PairNet) -> float:
    """Return the floating-point operations of one pair of 40 x 40 pixels."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(*torch.randn(2, 1, 1, 40, 40))
    return float(counter.get_total_flops())


def measure(group: list[tuple[str, str, Spec]], batch: int, seconds: float) -> list[dict[str, Any]]:
    """Measure members that take turns; `seconds` for each of both speeds."""
    pair = tuple(torch.randn(2, batch, 1, 40, 40))
    models = {f"{part}={name}": build_model(model) for part, name, model in group}
    # inference first: the jobs of training hold the optimisers' state
    times = {
        kind.__name__: fastest({key: kind(model, *pair) for key, model in models.items()}, seconds, rounds=2)
        for kind in (inference, step)
    }
    return [
        {
            "part": part,
            "name": name,
            "parameters, M": round(sum(p.numel() for p in model.parameters()) / 1e6, 3),
            "GFLOP": round(flops(model) / 1e9, 3),
            "batch": batch,
            "training, pairs/s": float(f"{batch / times['step'][key]:.3g}"),
            "inference, pairs/s": float(f"{batch / times['inference'][key]:.3g}"),
        }
        for (part, name, _), (key, model) in zip(group, models.items(), strict=True)
    ]


def picture(table: pd.DataFrame, title: str) -> Figure:
    """Draw both speeds of every member on one logarithmic axis, the parameters beside the name."""
    figure = Figure(figsize=(8, 0.19 * len(table) + 1.2), layout="constrained")
    axis = figure.subplots()
    places = range(len(table), 0, -1)
    for column, marker in (("training, pairs/s", "o"), ("inference, pairs/s", "s")):
        axis.semilogx(table[column], places, marker, label=column, markersize=5)
    labels = [
        f"{part}: {name} ({count:.2f} M)"
        for part, name, count in zip(table["part"], table["name"], table["parameters, M"], strict=True)
    ]
    axis.set_yticks(places, labels, fontsize=7)
    axis.grid(alpha=0.4)
    axis.set_ylim(0, len(table) + 1)
    axis.legend(loc="upper left", fontsize=8)
    axis.set_xlabel("pairs/s")
    axis.set_title(title, fontsize=7)
    return figure


def main() -> None:
    """Measure all members, print the table, and write `members.csv` and `members.png` into `--out`."""
    options = parser(__doc__)
    options.add_argument("--batch", type=int, default=64, help=f"pairs; {LARGE_BATCH} at {LARGE} pixels")
    options.add_argument("--seconds", type=float, default=120.0, help="for each speed of all small members")
    chosen = options.parse_args()
    machine = begin(chosen.threads)
    everyone = members()
    turns = [member for member in everyone if not member[0].startswith("published")]
    rows = measure(turns, chosen.batch, chosen.seconds)
    alone = everyone[len(turns) :]
    for member in track(alone, len(alone), "published networks"):
        large = member[0].endswith(f"{LARGE} px")
        rows += measure([member], LARGE_BATCH if large else chosen.batch, chosen.seconds / 40)
    table = pd.DataFrame(rows)
    report(table, f"the zoo; {machine}", chosen.out / "members.csv" if chosen.out else None)
    if chosen.out:
        with replacing(Path(chosen.out) / "members.png") as temporary:
            picture(table, machine).savefig(temporary, dpi=130)


if __name__ == "__main__":
    main()
