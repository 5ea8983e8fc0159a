"""Measure a checkpoint on one split of a dataset, as its own training run did, and tell what a plant gets of it.

Of several checkpoints, or of a particle's turns, the mean of their answers is measured, beside each alone.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from oresort.console.command import REQUIRED, run_command
from oresort.console.ranges import number, one_of, share, whole
from oresort.sorting.operating import MOVED, Operating

if TYPE_CHECKING:
    from oresort.learn.evaluation import Evaluation


@dataclass
class EvaluateData:
    """Where the pairs are."""

    root: str = REQUIRED
    cache: str | None = None
    follow_links: bool = False


@dataclass
class EvaluateConfig:
    """One evaluation; `conf/evaluate.yaml` explains each key."""

    ckpt: Any = REQUIRED
    data: EvaluateData = field(default_factory=EvaluateData)
    split: Annotated[str, one_of("train", "val", "test")] = "test"
    tta: bool = False
    threshold: Annotated[Any, MOVED] = None
    operating: Operating = field(default_factory=Operating)
    band: Annotated[float | None, share()] = None
    prices: str | None = None
    rich: bool = False
    cutoff: Annotated[float | None, number(0, 100, above=True)] = None
    device: str = "auto"
    by: list[str] = field(default_factory=list)
    out: str | None = None
    figures: list[Annotated[str, one_of("png", "pdf", "svg")]] = field(default_factory=lambda: ["png"])
    page: bool = False
    explained: str | None = None
    resamples: Annotated[int, whole(0, 1_000_000)] = 1000
    modules: list[str] = field(default_factory=list)


def evaluate(cfg: EvaluateConfig) -> "Evaluation":
    """Evaluate and print; with `out` also write figures, predictions, breakdown, curves, money or a page there."""
    import numpy as np

    from oresort.console.show import show_figures
    from oresort.errors import InputError
    from oresort.files.write import replacing, write_json
    from oresort.learn.averages import Part, evaluate_average
    from oresort.learn.ckpts import checkpoints_of
    from oresort.learn.evaluation import evaluate_checkpoint
    from oresort.learn.lot import lot_of
    from oresort.sorting.account import account
    from oresort.sorting.prices import load_prices
    from oresort.tables.account import show_account, write_account
    from oresort.tables.averages import cost, plain_parts, show_parts
    from oresort.tables.page.breakdown import own_columns, show_breakdown
    from oresort.tables.page.evaluated import described, write_evaluation

    data, prices = cfg.data, load_prices(Path(cfg.prices)) if cfg.prices else None
    if cfg.page and cfg.out is None:
        raise InputError("page=true: no folder for it; give one as out=DIR")
    if cfg.explained is not None and not cfg.page:
        raise InputError(f"explained={cfg.explained}: only the page shows it; say page=true, or leave it out")
    if cfg.out is not None and (Path(cfg.out) / "metrics.json").exists():
        raise InputError(f"out={cfg.out}: the folder of a run, whose predictions.csv would be replaced; name another")
    ckpts = checkpoints_of(cfg.ckpt)
    several = len(ckpts) > 1 or cfg.tta
    if several and cfg.page:
        raise InputError("page=true: is of one model as particles lie; leave it out, or ckpt=[...] and tta=true")
    options: dict[str, Any] = {
        **{"device": cfg.device, "threshold": cfg.threshold, "operating": cfg.operating, "band": cfg.band},
        **{"prices": prices, "cutoff": cfg.cutoff, "cache": data.cache, "follow_links": data.follow_links},
    }
    parts: list[Part] = []
    if several:
        result, parts = evaluate_average(ckpts, data.root, cfg.split, tta=cfg.tta, **options)
    else:
        result = evaluate_checkpoint(ckpts[0], data.root, cfg.split, **options)
    name = parts[-1].name if parts else ckpts[0]
    p_ore = result.predictions["p_ore"].to_numpy(np.float32)
    lot, others = lot_of(result.pairs, result.root, p_ore, look=True, rich=cfg.rich)
    told = account(lot, result.point, prices, others)
    figures = {f"{cfg.split}/{name}": value for name, value in result.metrics.items()}
    document = None
    if cfg.out is not None or cfg.by:
        document = described(result, data.root, cfg.split, cfg.resamples, cfg.explained, told, own_columns(cfg.by))
    if cfg.out is not None:
        out = Path(cfg.out)
        with replacing(out / "predictions.csv") as temporary:
            result.predictions.assign(mass=lot.mass).to_csv(temporary, index=False)
        own = {f"{cfg.split}/{name}": known.value for name, known in told.figures.found.items()}
        head = {"ckpt": cfg.ckpt, "threshold": result.threshold, **result.grade, **figures, **own}
        head |= {"tta": cfg.tta, "parts": plain_parts(parts)} if parts else {}
        write_json(out / "evaluation.json", {**head, "sorting": told.plain()})
        write_account(told, out, [*cfg.figures, *(["png"] if cfg.page else [])])  # which the page shows
    if parts:
        show_parts(parts, f"{cfg.split}, {len(result.predictions)} pairs (per cent)")
        print(cost(parts))
    title = f"{name}: {cfg.split}, {len(result.predictions)} pairs, threshold {result.threshold:.3f} (per cent)"
    show_figures(figures, (cfg.split,), title)
    if result.point.band:
        print(f"by the threshold alone; what follows keeps particles within {result.point.band:g} of it, too")
    for line in result.told:
        print(line)
    show_account(told, f"{name}: {cfg.split}")
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if cfg.split == "val" and result.point.rule != "given":
        print("warning: the threshold was chosen on pairs of val, so figures of val are too good", file=sys.stderr)
    if document is not None:
        show_breakdown(document, cfg.by)
    if cfg.out is not None and document is not None:
        file = write_evaluation(Path(cfg.out), document, cfg.figures, cfg.page)
        print(f"page: {file}" if file else f"written to {cfg.out}")
    return result


def main() -> None:
    """Entry point of `python -m oresort.evaluate`."""
    run_command("evaluate", __doc__, EvaluateConfig, evaluate)


if __name__ == "__main__":
    main()
