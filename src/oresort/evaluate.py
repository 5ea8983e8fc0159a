"""Measure a checkpoint on one split of a dataset, as its own training run did."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from oresort.console.command import REQUIRED, run_command
from oresort.console.ranges import one_of, share, whole

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

    ckpt: str = REQUIRED
    data: EvaluateData = field(default_factory=EvaluateData)
    split: Annotated[str, one_of("train", "val", "test")] = "test"
    threshold: Annotated[float | None, share()] = None
    device: str = "auto"
    out: str | None = None
    page: bool = False
    resamples: Annotated[int, whole(0, 1_000_000)] = 1000
    modules: list[str] = field(default_factory=list)


def evaluate(cfg: EvaluateConfig) -> "Evaluation":
    """Evaluate and print the table; with `out` also write `evaluation.json` and `predictions.csv` there, or a page."""
    from oresort.console.show import show_figures
    from oresort.errors import InputError
    from oresort.files.write import replacing, write_json
    from oresort.learn.evaluation import evaluate_checkpoint

    data = cfg.data
    if cfg.page and cfg.out is None:
        raise InputError("page=true: no folder for it; give one as out=DIR")
    if cfg.out is not None and (Path(cfg.out) / "metrics.json").exists():
        raise InputError(f"out={cfg.out}: the folder of a run, whose predictions.csv would be replaced; name another")
    result = evaluate_checkpoint(
        *(cfg.ckpt, data.root, cfg.split),
        device=cfg.device,
        threshold=cfg.threshold,
        cache=data.cache,
        follow_links=data.follow_links,
    )
    figures = {f"{cfg.split}/{name}": value for name, value in result.metrics.items()}
    if cfg.out is not None:
        out = Path(cfg.out)
        with replacing(out / "predictions.csv") as temporary:
            result.predictions.to_csv(temporary, index=False)
        write_json(out / "evaluation.json", {"ckpt": cfg.ckpt, "threshold": result.threshold, **figures})
    title = f"{cfg.ckpt}: {cfg.split}, {len(result.predictions)} pairs, threshold {result.threshold:.3f} (per cent)"
    show_figures(figures, (cfg.split,), title)
    if cfg.page:
        from oresort.tables.page.evaluated import write_evaluation

        print(f"page: {write_evaluation(Path(str(cfg.out)), result, data.root, cfg.split, cfg.resamples)}")
    return result


def main() -> None:
    """Entry point of `python -m oresort.evaluate`."""
    run_command("evaluate", __doc__, EvaluateConfig, evaluate)


if __name__ == "__main__":
    main()
