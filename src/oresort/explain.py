"""Show why a model decides: where it looks, whether that can be trusted, what would move its answer.

Of the pairs of `data.root` it draws Grad-CAM and integrated gradients of every tower and energy, and says which share
of the relevance lies inside the particles, on their rim, on their outline and on the belt, beside the same network with
random weights and with shuffled labels; deletes and inserts what the maps name; changes the particles by physics; and
shows the surest, the wrong and the unsure pairs. Of a KAN head it shows the learned functions: that needs no data.
Of a classical sorter's run it shows which features matter.

With `keep=` or `degree=` it also writes `simplified.ckpt`, the same model with fewer edges or another degree, which
`evaluate`, `sort` and this command take. The decision threshold stays: measure again what it is worth.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from oresort.console.command import REQUIRED, run_command
from oresort.console.ranges import SEEDS, number, one_of, whole

if TYPE_CHECKING:
    from oresort.learn.look.explain import Explained
    from oresort.learn.trained import Trained


@dataclass
class ExplainData:
    """Where the pairs are."""

    root: str | None = None
    cache: str | None = None
    follow_links: bool = False


@dataclass
class ExplainConfig:
    """One look; `conf/explain.yaml` explains each key."""

    ckpt: str = REQUIRED
    data: ExplainData = field(default_factory=ExplainData)
    out: str | None = None
    split: Annotated[str, one_of("train", "val", "test")] = "test"
    pairs: Annotated[int | None, whole(1)] = 1000
    ids: list[str] = field(default_factory=list)
    gallery: Annotated[int, whole(0, 100)] = 6
    steps: Annotated[int, whole(2, 1000)] = 32
    controls: list[str] = field(default_factory=lambda: ["random", "shuffled"])
    curves: Annotated[int, whole(0)] = 100
    seed: Annotated[int, whole(0, SEEDS)] = 0
    device: str = "auto"
    top: Annotated[int, whole(1, 100)] = 6
    figures: list[Annotated[str, one_of("png", "pdf", "svg")]] = field(default_factory=lambda: ["png"])
    keep: Annotated[float | None, number(0, 1, above=True)] = None
    degree: Annotated[int | None, whole(1, 100)] = None
    modules: list[str] = field(default_factory=list)


def explain(cfg: ExplainConfig) -> dict[str, Any]:
    """Write what explains the model into the folder `out`, print its main tables, and return the record.

    The record is `explain.json`, see `oresort.tables.look.write.write_look`; `edges` in it is what there is of a KAN
    head's functions, or None. With `keep` or `degree` all is of the simplified model.
    """
    from oresort.learn.look.load import is_classic, load, run_of
    from oresort.models.heads.kan import kan_layers
    from oresort.models.kan.simplify import simplify
    from oresort.tables.edges import write_edges
    from oresort.tables.look.importances import write_importances

    if is_classic(cfg.ckpt):
        folder = Path(cfg.out) if cfg.out else Path(cfg.ckpt) / "explain"
        return write_importances(Path(cfg.ckpt), folder, cfg.top, cfg.figures)
    trained = load(cfg.ckpt, cfg.controls)
    net, root = trained.module.net, cfg.data.root
    before = sum(p.numel() for p in net.parameters())
    simpler = cfg.keep is not None or cfg.degree is not None
    if simpler:
        trained.module.hparams["model"] = simplify(net, trained.module.hparams["model"], cfg.keep, cfg.degree)
    found = None if root is None else _look(cfg, trained, root)
    out = Path(cfg.out) if cfg.out is not None else run_of(trained.file) / "explain"
    record: dict[str, Any] = {"edges": None}
    if root is None or simpler or kan_layers(net):  # asked for nothing else, a head without functions is refused
        record["edges"] = write_edges(net, out, cfg.top, cfg.figures)
    if simpler:
        trained = _save(trained, out / "simplified.ckpt", before)
    return record if found is None else _told(cfg, trained, found, out, record)


def _look(cfg: ExplainConfig, trained: "Trained", root: str) -> "Explained":
    from oresort.learn.look.explain import Options, explain
    from oresort.learn.origin import data_of

    data = data_of(trained, root, cfg.data.cache, cfg.data.follow_links)
    options = Options(cfg.split, cfg.pairs, cfg.steps, cfg.gallery, cfg.ids, cfg.controls, cfg.curves, cfg.seed)
    return explain(trained.to(cfg.device), data, options)


def _save(trained: "Trained", file: Path, before: int) -> "Trained":
    """Write a simplified model; return it as what that file holds, since no figure of it is the original's."""
    from oresort.files.reading import digest_of
    from oresort.learn.checkpoint import save

    save(file, trained.module, trained.data, trained.epoch)
    after = sum(p.numel() for p in trained.module.net.parameters())
    print(f"{file}: {after:,} of {before:,} parameters; pruned edges are zeros")
    return replace(trained, file=file, digest=digest_of(file))


def _told(
    cfg: ExplainConfig, trained: "Trained", found: "Explained", out: Path, record: dict[str, Any]
) -> dict[str, Any]:
    from oresort.console.show import show
    from oresort.tables.look.screen import screens
    from oresort.tables.look.write import write_look

    about = {**trained.describe(), "split": cfg.split, "threshold": trained.threshold, "steps": cfg.steps, **record}
    geometry, about = trained.representation.geometry, {**about, "seed": cfg.seed}
    made = write_look(out, found, trained.threshold, geometry, about, cfg.figures)
    for title, table in screens(made):
        show(table, title)
    for note in made["notes"]:
        print(note)
    print(f"written to {out}: explain.json, {', '.join(made['files'])} and pairs/")
    return made


def main() -> None:
    """Entry point of `python -m oresort.explain`."""
    run_command("explain", __doc__, ExplainConfig, explain)


if __name__ == "__main__":
    main()
