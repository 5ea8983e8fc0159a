"""Measure a checkpoint on one split of a dataset, as its own training run did."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from oresort.console.command import REQUIRED, run_command
from oresort.console.show import percent, show
from oresort.files.write import replacing, write_json
from oresort.learn.evaluation import Evaluation, evaluate_checkpoint


@dataclass
class EvaluateData:
    """Where the pairs are."""

    root: str = REQUIRED
    cache: str | None = None


@dataclass
class EvaluateConfig:
    """One evaluation; `conf/evaluate.yaml` explains each key."""

    ckpt: str = REQUIRED
    data: EvaluateData = field(default_factory=EvaluateData)
    split: str = "test"
    threshold: float | None = None
    device: str = "auto"
    out: str | None = None


def evaluate(cfg: EvaluateConfig) -> Evaluation:
    """Evaluate, print the table, and with `out` also write `evaluation.json` and `predictions.csv` there."""
    cache = Path(cfg.data.cache) if cfg.data.cache else None
    result = evaluate_checkpoint(
        Path(cfg.ckpt),
        Path(cfg.data.root),
        cfg.split,
        device=cfg.device,
        threshold=cfg.threshold,
        cache=cache,
    )
    if cfg.out is not None:
        figures = {f"{cfg.split}/{name}": value for name, value in result.metrics.items()}
        with replacing(Path(cfg.out) / "predictions.csv") as temporary:
            result.predictions.to_csv(temporary, index=False)
        write_json(
            Path(cfg.out) / "evaluation.json", {"ckpt": cfg.ckpt, "threshold": result.threshold, **figures}
        )
    count = len(result.predictions)
    title = f"{cfg.ckpt}: {cfg.split}, {count} pairs, threshold {result.threshold:.3f} (per cent)"
    table = pd.DataFrame(
        [{"metric": name, cfg.split: percent(value)} for name, value in result.metrics.items()]
    )
    show(table, title)
    return result


def main() -> None:
    """Entry point of `python -m oresort.evaluate`."""
    run_command("evaluate", EvaluateConfig, evaluate)


if __name__ == "__main__":
    main()
