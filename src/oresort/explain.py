"""Show what a trained KAN head has learned: how much each edge matters, and the functions that matter most.

With `keep=` or `degree=` it also writes `simplified.ckpt`, the same model with fewer edges or another degree, which
`evaluate`, `sort` and this command take. The decision threshold stays: measure again what it is worth.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from oresort.console.command import REQUIRED, run_command
from oresort.console.ranges import number, whole

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class ExplainConfig:
    """One look; `conf/explain.yaml` explains each key."""

    ckpt: str = REQUIRED
    out: str = REQUIRED
    top: Annotated[int, whole(1, 100)] = 6
    keep: Annotated[float | None, number(0, 1, above=True)] = None
    degree: Annotated[int | None, whole(1, 100)] = None
    modules: list[str] = field(default_factory=list)


def explain(cfg: ExplainConfig) -> "pd.DataFrame":
    """Write `edges.csv` and `edges.png`, print how importance is spread, and return the table of edges.

    With `keep` or `degree` all is of the simplified model, which goes to `simplified.ckpt`.
    """
    from oresort.console.show import show
    from oresort.files.write import replacing
    from oresort.learn.checkpoint import load_trained, save
    from oresort.models.kan.simplify import simplify
    from oresort.tables.edges import by_layer, edge_figure, edge_table

    trained, out = load_trained(cfg.ckpt), Path(cfg.out)
    module = trained.module
    before = sum(p.numel() for p in module.net.parameters())
    simpler = cfg.keep is not None or cfg.degree is not None
    if simpler:
        module.hparams["model"] = simplify(module.net, module.hparams["model"], cfg.keep, cfg.degree)
    table, figure = edge_table(module.net), edge_figure(module.net, cfg.top)
    if simpler:
        save(out / "simplified.ckpt", module, trained.data, trained.epoch)
    with replacing(out / "edges.csv") as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with replacing(out / "edges.png") as temporary:
        figure.savefig(temporary, dpi=130)
    show(by_layer(table), f"{cfg.ckpt}: edges by layer")
    if simpler:
        after = sum(p.numel() for p in module.net.parameters())
        print(f"{out / 'simplified.ckpt'}: {after:,} of {before:,} parameters; pruned edges are zeros")
    return table


def main() -> None:
    """Entry point of `python -m oresort.explain`."""
    run_command("explain", __doc__, ExplainConfig, explain)


if __name__ == "__main__":
    main()
