"""Study of the starts of a deep KAN head: what passes through six layers, and what one epoch learns.

    python -m studies.kan_init --data DIR --out experiments/kan_init --work runs/kan_init

Writes `scale.csv`, `epoch.csv` and `kan_init.png` into `--out` after every seed; runs go to `--work`, and those that
are there already are not trained again.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from oresort.data.datamodule import OreDataModule
from oresort.files.write import replacing
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import DataConfig, ModelConfig, TrainConfig
from oresort.learn.fit import train
from oresort.learn.run import finished
from oresort.models.build import build_model
from oresort.models.heads.kan import KAN, kan_layers
from oresort.models.kan.layer import INITS

PARTS: dict[str, Any] = {
    "tower": {"_target_": "oresort.models.towers.paper.PaperTower"},
    "fusion": {"_target_": "oresort.models.fusions.hybrid.Hybrid"},
}
REPRESENTATION = {"_target_": "oresort.represent.representation.Attenuation", "geometry": "resize"}
PLAIN = {"_target_": "oresort.data.augment.Augmentation", "flip": 0.5, "transpose": 0.5}
AUGMENT = {**PLAIN, "intensity": 0.0, "gain": [1.0, 1.0], "balance": [1.0, 1.0], "offset": [0.0, 0.0]}
PAIRS = 128  # over which scales are measured
DRAWS = 8  # fresh models over which scales are measured; they cost next to nothing beside an epoch
CASES = [(init, norm) for init in INITS for norm in (True, False)]


def head_spec(init: str, norm: bool) -> dict[str, Any]:
    """Return the spec of the paper's head with a start and with or without the norm before it."""
    return {"_target_": "oresort.models.heads.kan.KAN", "init": init, "norm": norm}


def scales(low: Tensor, high: Tensor, label: Tensor, init: str, norm: bool, seed: int) -> pd.DataFrame:
    """Measure one fresh model on a batch: a row a layer, 0 being the head's input (before any norm).

    Columns: `activation`, the standard deviation over pairs of a layer's output, root mean square over units;
    `gradient`, the norm of the loss's gradient by the layer's coefficients, the constants left out (layer 0: by
    the head's input).
    """
    torch.manual_seed(seed)
    model = build_model({**PARTS, "head": head_spec(init, norm)})
    head = model.heads[0]
    assert isinstance(head, KAN)
    outputs: list[Tensor] = []
    layers = kan_layers(head)
    for layer in layers:
        layer.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    features: list[Tensor] = []
    head.register_forward_pre_hook(lambda module, inputs: features.append(inputs[0].requires_grad_()))
    model.train()
    logits = model(low, high)
    loss = nn.functional.cross_entropy(logits, label)
    gradients = torch.autograd.grad(loss, [features[0], *(layer.coefficients for layer in layers)])
    rows = []
    for number, (output, gradient) in enumerate(zip([features[0], *outputs], gradients, strict=True)):
        if number:  # the constants learn even where no signal passes
            gradient = gradient[layers[number - 1].in_features :]
        spread = output.detach().std(0).square().mean().sqrt()
        rows.append({"layer": number, "activation": float(spread), "gradient": float(gradient.norm())})
    return pd.DataFrame(rows).assign(init=init, norm=norm, seed=seed)


def first_epoch(root: Path, folder: Path, init: str, norm: bool, seed: int) -> dict[str, float]:
    """Train the paper's model for one epoch, unless `folder` holds that run already.

    Returns:
        `auroc` on the validation pairs; `drift`, the norm of what the towers' convolutions moved by over the norm that
        they began with.
    """
    head = head_spec(init, norm)
    cfg = TrainConfig(
        name="kan_init",
        seed=seed,
        data=DataConfig(root=str(root)),
        representation=dict(REPRESENTATION),
        augment=dict(AUGMENT),
        model=ModelConfig(**PARTS, head=head),
        trainer={
            "accelerator": "cpu",
            "max_epochs": 1,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "deterministic": True,
        },
    )
    row = finished(folder) or train(cfg, folder)
    torch.manual_seed(seed)  # as training begins
    before = build_model({**PARTS, "head": head}).towers.state_dict()
    after = load_trained(folder / "checkpoints" / "last.ckpt").module.net.towers.state_dict()
    kernels = [key for key, weight in before.items() if weight.ndim == 4]
    moved, size = (
        torch.cat([(part[key] - zero * before[key]).flatten() for key in kernels]).norm()
        for part, zero in ((after, 1), (before, 0))
    )
    return {"auroc": float(row["val/auroc"]), "drift": float(moved / size)}


def figure(scale: pd.DataFrame, epoch: pd.DataFrame) -> Figure:
    """Draw activation and gradient by layer, and AUROC and drift after one epoch, for every case."""
    shown = Figure(figsize=(13, 3.6), layout="constrained")
    axes: Sequence[Any] = shown.subplots(1, 4, width_ratios=(1.2, 1.2, 1, 1))
    colors = dict(zip(INITS, mpl.color_sequences["tab10"], strict=False))
    for (init, norm), rows in scale.groupby(["init", "norm"], sort=False):
        style: dict[str, Any] = {"color": colors[str(init)], "linestyle": "-" if norm else ":"}
        median = rows.groupby("layer")[["activation", "gradient"]].median()
        label = f"{init}, {'norm' if norm else 'no norm'}"
        axes[0].semilogy(median["activation"], marker=".", label=label, **style)
        axes[1].semilogy(median["gradient"], marker=".", **style)
    axes[0].set(xlabel="layer (0: head's input)", ylabel="deviation over pairs", title="activation")
    axes[0].legend(fontsize=6)
    axes[1].set(xlabel="layer (0: head's input)", ylabel="norm", title="gradient")
    names = [f"{init}\n{'norm' if norm else 'no norm'}" for init, norm in CASES]
    for axis, column, label, title in (
        (axes[2], "auroc", "validation AUROC", "after one epoch, a mark a seed"),
        (axes[3], "drift", "change / size at the start", "towers over that epoch"),
    ):
        for place, (init, norm) in enumerate(CASES):
            values = epoch[(epoch["init"] == init) & (epoch["norm"] == norm)][column]
            axis.plot([place] * len(values), values, "o" if norm else "x", color=colors[init])
        axis.set_xticks(range(len(CASES)), names, rotation=90, fontsize=7)
        axis.set(ylabel=label)
        axis.set_title(title, fontsize=10)
    axes[2].axhline(0.5, color="grey", linewidth=0.8)
    axes[3].set_ylim(bottom=0)
    return shown


def study(root: Path, out: Path, work: Path, seeds: Sequence[int]) -> None:
    """Measure all cases and write the tables and the figure."""
    data = OreDataModule(str(root), REPRESENTATION, AUGMENT, batch_size=PAIRS)
    batch = next(iter(data.loader("val")))
    pairs = batch["low"], batch["high"], batch["label"]
    scale = pd.concat([scales(*pairs, init, norm, seed) for init, norm in CASES for seed in range(DRAWS)])
    rows = []
    for seed in seeds:
        for init, norm in CASES:
            found = first_epoch(root, work / f"{init}-{'norm' if norm else 'plain'}-{seed}", init, norm, seed)
            rows.append({"init": init, "norm": norm, "seed": seed, **found})
            print(rows[-1], flush=True)
        _write(out, scale, pd.DataFrame(rows))  # a study cut short leaves whole seeds
    print(summary(scale, pd.DataFrame(rows)))


def _write(out: Path, scale: pd.DataFrame, epoch: pd.DataFrame) -> None:
    for name, table in (("scale", scale), ("epoch", epoch)):
        with replacing(out / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False, float_format="%.4g")
    with replacing(out / "kan_init.png") as temporary:
        figure(scale, epoch).savefig(temporary, dpi=130)


def summary(scale: pd.DataFrame, epoch: pd.DataFrame) -> str:
    """Return the README's table as Markdown: medians over seeds of scales, mean and deviation after an epoch."""
    lines = [
        "| init | norm | activation 0, 1, 3, 6 | gradient by input | by layer 1 | by layer 6 | AUROC | drift |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for init, norm in CASES:
        part = (
            scale[(scale["init"] == init) & (scale["norm"] == norm)]
            .groupby("layer")
            .median(numeric_only=True)
        )
        ends = epoch[(epoch["init"] == init) & (epoch["norm"] == norm)]
        activation = ", ".join(f"{part['activation'][k]:.2g}" for k in (0, 1, 3, 6))
        gradient = " | ".join(f"{part['gradient'][k]:.2g}" for k in (0, 1, 6))
        spread = " | ".join(
            f"{ends[c].mean():.3f}" + (f" ± {ends[c].std():.3f}" if len(ends) > 1 else "")
            for c in ("auroc", "drift")
        )
        lines.append(f"| {init} | {'yes' if norm else 'no'} | {activation} | {gradient} | {spread} |")
    return "\n".join(lines)


def main() -> None:
    """Entry point of `python -m studies.kan_init`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="dataset's folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of tables and figure")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the epochs")
    options = parser.parse_args()
    study(options.data, options.out, options.work, options.seeds)


if __name__ == "__main__":
    main()
