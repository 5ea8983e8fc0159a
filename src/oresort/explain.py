"""Show what a trained KAN head has learned: how much each edge matters, and the functions that matter most.

With `keep=` or `degree=` it also writes `simplified.ckpt`, the same model with fewer edges or another degree, which
`evaluate`, `sort` and this command take. The decision threshold stays: measure again what it is worth.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from oresort.console.command import REQUIRED, run_command
from oresort.console.show import show
from oresort.files.write import replacing
from oresort.learn.checkpoint import load_trained
from oresort.models.kan.simplify import simplify
from oresort.tables.edges import edge_figure, edge_table


@dataclass
class EdgesConfig:
    """One look; `conf/edges.yaml` explains each key."""

    ckpt: str = REQUIRED
    out: str = REQUIRED
    top: int = 6
    keep: float | None = None
    degree: int | None = None


def edges(cfg: EdgesConfig) -> pd.DataFrame:
    """Write `edges.csv` and `edges.png`, print how importance is spread, and return the table of edges.

    With `keep` or `degree` all is of the simplified model, which goes to `simplified.ckpt`.

    Raises:
        InputError: a checkpoint that does not load, without a KAN head, or a setting out of its range.
    """
    trained = load_trained(Path(cfg.ckpt))
    net, out = trained.module.net, Path(cfg.out)
    before = sum(p.numel() for p in net.parameters())
    simpler = cfg.keep is not None or cfg.degree is not None
    if simpler:
        spec = simplify(net, trained.module.hparams["model"], cfg.keep, cfg.degree)
    table, figure = edge_table(net), edge_figure(net, cfg.top)
    if simpler:
        content = torch.load(cfg.ckpt, map_location="cpu", weights_only=True)
        content["state_dict"] = trained.module.state_dict()
        content["hyper_parameters"] = {**content["hyper_parameters"], "model": spec}
        for key in ("optimizer_states", "lr_schedulers", "loops", "callbacks"):  # of weights that are gone
            content.pop(key, None)
        with replacing(out / "simplified.ckpt") as temporary:
            torch.save(content, temporary)
    with replacing(out / "edges.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with replacing(out / "edges.png") as temporary:
        figure.savefig(temporary, dpi=130)
    rows = []
    for layer, part in table.groupby("layer"):
        share = part["importance"].cumsum() / part["importance"].sum()
        half = int((share < 0.5).sum()) + 1
        rows.append({"layer": str(layer), "edges": str(len(part)), "hold half of the importance": str(half)})
    show(pd.DataFrame(rows), f"{cfg.ckpt}: edges by layer")
    if simpler:
        after = sum(p.numel() for p in net.parameters())
        print(f"{out / 'simplified.ckpt'}: {after:,} of {before:,} parameters; pruned edges are zeros")
    return table


def main() -> None:
    """Entry point of `python -m oresort.explain`."""
    run_command("explain", EdgesConfig, edges)


if __name__ == "__main__":
    main()
