"""Write a trained model as one ONNX file that sorts without torch, checked against the checkpoint."""

import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from oresort.console.command import REQUIRED, run_command
from oresort.console.ranges import number, one_of, share, whole
from oresort.errors import InputError
from oresort.sorting.operating import MOVED, Operating, check_used

if TYPE_CHECKING:
    from oresort.learn.export import Exported


@dataclass
class ExportData:
    """Where the pairs are on which the file is tried."""

    root: str | None = None
    cache: str | None = None
    follow_links: bool = False


@dataclass
class ExportConfig:
    """One export; `conf/export.yaml` explains each key."""

    ckpt: str = REQUIRED
    out: str = REQUIRED
    threshold: Annotated[Any, MOVED] = None
    operating: Operating = field(default_factory=Operating)
    band: Annotated[float | None, share()] = None
    prices: str | None = None
    precision: Annotated[str, one_of("float32", "int8")] = "float32"
    cutoff: Annotated[float | None, number(0, 100, above=True)] = None
    max_drop: Annotated[float, share()] = 0.002
    pairs: Annotated[int, whole(1, 1_000_000)] = 1000
    data: ExportData = field(default_factory=ExportData)
    modules: list[str] = field(default_factory=list)


def export(cfg: ExportConfig) -> "Exported":
    """Export, and print how far the file is from the checkpoint; InputError where it is not kept."""
    from oresort.learn.checkpoint import load_trained
    from oresort.learn.export import export_model
    from oresort.learn.origin import labelled_pairs, origin_of, pairs_to_try
    from oresort.runtime.point import operating_point

    out = Path(cfg.out)
    if out.suffix.lower() != ".onnx":
        raise InputError(f"out={cfg.out}: not called *.onnx, by which commands know it; name it so")
    check_used(cfg.threshold, cfg.operating, cfg.prices)
    data, int8 = cfg.data, cfg.precision == "int8"
    if int8 and data.root is None:
        raise InputError("precision=int8: is judged by labelled pairs; give them as data.root=DIR")
    trained = load_trained(cfg.ckpt).at_cutoff(cfg.cutoff)
    trained = trained.at(operating_point(cfg, trained))
    links = data.follow_links
    planes = partial(pairs_to_try, trained, cfg.pairs, data.root, cache=data.cache, follow_links=links)
    labelled = None
    if int8 and data.root is not None:
        labelled = labelled_pairs(trained, data.root, cache=data.cache, follow_links=links)
    made = export_model(trained, out, planes, origin_of(trained), labelled, cfg.max_drop)
    if made.refused:
        print(f"note: {made.refused}; they are plain in the file, and it is slower", file=sys.stderr)
    what = f"{made.pairs:,} {'simulated pairs' if data.root is None else 'pairs'}"
    print(f"{out}: {out.stat().st_size / 1000:,.0f} kB, {made.model.point.words()}")
    print(f"on {what}: probabilities within {made.difference:.1e} of the checkpoint's, decisions the same")
    if made.gate is not None and labelled is not None:
        before, after = made.gate.auroc
        print(
            f"int8: AUROC {100 * after:.2f} ({100 * before:.2f} in float32), {made.gate.turned} decisions of "
            f"{len(labelled.label)} are others, {made.gate.speed:.1f} times as fast here"
        )
    return made


def main() -> None:
    """Entry point of `python -m oresort.export`."""
    run_command("export", __doc__, ExportConfig, export)


if __name__ == "__main__":
    main()
