"""Show what a trained KAN head has learned: how much each edge matters, and the functions that matter most."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from oresort.command import run_command
from oresort.learn.checkpoint import load_trained
from oresort.learn.config import REQUIRED
from oresort.models.edge_plot import edge_figure, edge_table
from oresort.paths import replacing
from oresort.show import show


@dataclass
class EdgesConfig:
    """One look; `conf/edges.yaml` explains each key."""

    ckpt: str = REQUIRED
    out: str = REQUIRED
    top: int = 6


def edges(cfg: EdgesConfig) -> pd.DataFrame:
    """Write `edges.csv` and `edges.png`, print how importance is spread, and return the table of edges."""
    net = load_trained(Path(cfg.ckpt)).module.net
    table, figure = edge_table(net), edge_figure(net, cfg.top)
    with replacing(Path(cfg.out) / "edges.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with replacing(Path(cfg.out) / "edges.png") as temporary:
        figure.savefig(temporary, dpi=130)
    rows = []
    for layer, part in table.groupby("layer"):
        share = part["importance"].cumsum() / part["importance"].sum()
        half = int((share < 0.5).sum()) + 1
        rows.append({"layer": str(layer), "edges": str(len(part)), "hold half of the importance": str(half)})
    show(pd.DataFrame(rows), f"{cfg.ckpt}: edges by layer")
    return table


def main() -> None:
    """Entry point of `python -m oresort.edges`."""
    run_command("edges", EdgesConfig, edges)


if __name__ == "__main__":
    main()
