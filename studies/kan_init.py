"""What passes through six KAN layers at the start, and what does one epoch learn?

    python -m studies.kan_init data=DIR work=runs/kan_init

Writes `scale.csv`, `epoch.csv`, `summary.csv` and `kan_init.png` after every seed. Finished runs in `work`
are not trained again.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import torch
from matplotlib.figure import Figure
from omegaconf import MISSING
from torch import Tensor, nn

from oresort.data.datamodule import OreDataModule
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import TrainConfig
from oresort.learn.fit import train
from oresort.learn.run import finished
from oresort.models.build import build_model
from oresort.models.heads.kan import KAN, kan_layers
from oresort.models.kan.layer import INITS
from oresort.models.pairnet import PairNet
from studies.command import compose, run_study, save

PAIRS = 128  # over which scales are measured
DRAWS = 8  # fresh models over which scales are measured; they cost next to nothing beside an epoch
CASES = [(init, norm) for init in INITS for norm in (True, False)]


@dataclass
class Options:
    """Keys of the command."""

    data: Path = MISSING  # the dataset's folder
    work: Path = MISSING  # folder of the runs
    out: Path = Path("experiments/kan_init")  # folder for tables and figure
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])  # of the epochs


def config(init: str, norm: bool, *words: str) -> TrainConfig:
    """Return the configuration of the paper's model with a start, with or without the norm before the head."""
    augment = ("augment=none", "augment.flip=0.5", "augment.transpose=0.5")
    return compose(*augment, f"model.head.init={init}", f"model.head.norm={str(norm).lower()}", *words)


def fresh(init: str, norm: bool) -> PairNet:
    """Return the paper's model as it starts."""
    return build_model(asdict(config(init, norm).model))


def scales(low: Tensor, high: Tensor, label: Tensor, init: str, norm: bool, seed: int) -> pd.DataFrame:
    """Measure one fresh model on a batch: a row a layer, 0 being the head's input (before any norm).

    `activation` is the standard deviation over pairs of a layer's output, root mean square over units; `gradient` the
    norm of the loss's gradient by the layer's coefficients, the constants left out (layer 0: by the head's input).
    """
    torch.manual_seed(seed)
    model = fresh(init, norm)
    head = model.heads[0]
    assert isinstance(head, KAN)
    seen: list[Tensor] = []  # the head's input, then the output of each layer
    head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].requires_grad_()))
    layers = kan_layers(head)
    for layer in layers:
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
    loss = nn.functional.cross_entropy(model.train()(low, high), label)
    gradients = torch.autograd.grad(loss, [seen[0], *(layer.coefficients for layer in layers)])
    rows = []
    for number, (output, gradient) in enumerate(zip(seen, gradients, strict=True)):
        if number:  # the constants learn even where no signal passes
            gradient = gradient[layers[number - 1].in_features :]
        spread = output.detach().std(0).square().mean().sqrt()
        rows.append({"layer": number, "activation": float(spread), "gradient": float(gradient.norm())})
    return pd.DataFrame(rows).assign(init=init, norm=norm, seed=seed)


def first_epoch(cfg: TrainConfig, folder: Path) -> dict[str, float]:
    """Train for one epoch, unless `folder` holds that run already.

    Returns `auroc` on the validation pairs, and `drift`: the norm of what the towers' convolutions moved by over the
    norm that they began with.
    """
    row = finished(folder) or train(cfg, folder)
    torch.manual_seed(cfg.seed)  # as training begins
    before = build_model(asdict(cfg.model)).towers.state_dict()
    after = load_trained(folder / "checkpoints" / "last.ckpt").module.net.towers.state_dict()
    kernels = [key for key, weight in before.items() if weight.ndim == 4]
    moved = torch.cat([(after[key] - before[key]).flatten() for key in kernels]).norm()
    size = torch.cat([before[key].flatten() for key in kernels]).norm()
    return {"auroc": float(row["val/auroc"]), "drift": float(moved / size)}


def figure(scale: pd.DataFrame) -> Figure:
    """Draw activation and gradient by layer for every case, medians over draws."""
    shown = Figure(figsize=(9, 3.6), dpi=110, layout="constrained")
    colors = dict(zip(INITS, mpl.color_sequences["tab10"], strict=False))
    labels = {"activation": "deviation over pairs", "gradient": "norm"}
    for axes, (column, label) in zip(shown.subplots(1, 2), labels.items(), strict=True):
        for (init, norm), rows in scale.groupby(["init", "norm"], sort=False):
            median, name = rows.groupby("layer")[column].median(), f"{init}, {'norm' if norm else 'no norm'}"
            axes.semilogy(median, ".-" if norm else ".:", color=colors[str(init)], label=name)
        axes.set(xlabel="layer (0: head's input)", ylabel=label, title=column)
    axes.legend(fontsize=7)
    return shown


def study(options: Options) -> pd.DataFrame:
    """Measure all cases, write the tables and the figure after every seed, and return the means."""
    data = f"data.root={options.data}"
    cfg = config("linear", True, data)
    loader = OreDataModule(str(options.data), cfg.representation, cfg.augment, batch_size=PAIRS).loader("val")
    batch = next(iter(loader))
    pairs = batch["low"], batch["high"], batch["label"]
    scale = pd.concat([scales(*pairs, init, norm, seed) for init, norm in CASES for seed in range(DRAWS)])
    rows = []
    for seed in options.seeds:
        for init, norm in CASES:
            once = ("trainer.max_epochs=1", "trainer.enable_progress_bar=false", f"seed={seed}", data)
            folder = options.work / f"{init}-{'norm' if norm else 'plain'}-{seed}"
            rows.append({"init": init, "norm": norm, "seed": seed, **first_epoch(config(init, norm, *once), folder)})
        epoch = pd.DataFrame(rows)  # a study cut short leaves whole seeds
        means = summary(scale, epoch)
        tables = {"scale.csv": scale, "epoch.csv": epoch, "summary.csv": means}
        save(options.out, tables | {"kan_init.png": figure(scale)})
    return means


def summary(scale: pd.DataFrame, epoch: pd.DataFrame) -> pd.DataFrame:
    """Return one row per case: medians of the scales, mean (and deviation over seeds) after an epoch."""
    keys = ["init", "norm"]
    median = scale.groupby([*keys, "layer"], sort=False)[["activation", "gradient"]].median().unstack("layer")
    flat = median.set_axis(median.columns.map("{0[0]} {0[1]}".format), axis=1)
    ends = epoch.groupby(keys, sort=False)[["auroc", "drift"]].agg(["mean", "std"])
    return flat.join(ends.set_axis(ends.columns.map("_".join), axis=1)).reset_index()


if __name__ == "__main__":
    run_study(Options, study)
