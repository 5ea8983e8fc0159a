"""Compare two or more models on the same pairs: the first is the reference.

Differences have an interval over whole scans (paired bootstrap), which is the one to trust: particles of a scan are
alike. Beside it stand two tests that take particles for independent, DeLong's of AUROC and McNemar's of decisions.
"""

import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from oresort.console.command import run_command
from oresort.console.ranges import SEEDS, one_of, share, whole

if TYPE_CHECKING:
    from oresort.tables.compare import Comparison


@dataclass
class CompareData:
    """Where labelled pairs are, if checkpoints are to answer them."""

    root: str | None = None
    cache: str | None = None
    follow_links: bool = False


@dataclass
class CompareConfig:
    """One comparison; `conf/compare.yaml` explains each key."""

    models: list[str] = field(default_factory=list)
    data: CompareData = field(default_factory=CompareData)
    split: Annotated[str, one_of("train", "val", "test")] = "test"
    threshold: Annotated[float | None, share()] = None
    common: bool = False
    resamples: Annotated[int, whole(0, 1_000_000)] = 1000
    seed: Annotated[int, whole(0, SEEDS)] = 0
    device: str = "auto"
    out: str | None = None
    figures: list[Annotated[str, one_of("png", "pdf", "svg")]] = field(default_factory=lambda: ["png"])
    modules: list[str] = field(default_factory=list)


def compare(cfg: CompareConfig) -> "Comparison":
    """Compare, print the tables, and with `out` also write `comparison.{csv,json}` and its figure there."""
    from oresort.console.counted import counted
    from oresort.console.show import show
    from oresort.errors import InputError
    from oresort.tables.answers import Source, answers_of
    from oresort.tables.compare import compare as compared
    from oresort.tables.compare_text import figures_text, judged_text

    if len(cfg.models) < 2:
        raise InputError("models: give two or more, e.g. models=[runs/a,runs/b]; the first is the reference")
    source = Source(cfg.data.root, cfg.data.cache, cfg.data.follow_links, cfg.device)
    answers = [answers_of(name, cfg.split, source, cfg.threshold) for name in cfg.models]
    found = compared(answers, cfg.resamples, cfg.seed, cfg.common)
    if cfg.out is not None:
        _write(Path(cfg.out), found, cfg)
    pairs = f"{counted(found.pairs, 'pair')} of {counted(found.scans, 'scan')}"
    show(figures_text(found), f"{cfg.split}, {pairs} (per cent)")
    show(
        judged_text(found), f"against {cfg.models[0]}, as if particles were independent, which those of a scan are not"
    )
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    return found


def _write(out: Path, found: "Comparison", cfg: CompareConfig) -> None:
    from oresort.files.write import replacing, write_json
    from oresort.tables.compare_text import compare_figure
    from oresort.tables.figure import write_figure

    with replacing(out / "comparison.csv") as temporary:
        found.figures.to_csv(temporary, index=False, float_format="%.6g")
    whole_record = {"split": cfg.split, "pairs": found.pairs, "scans": found.scans, "resamples": cfg.resamples}
    tables = {"figures": found.figures, "tests": found.tests}
    rows = {name: table.astype(object).where(table.notna(), None).to_dict("records") for name, table in tables.items()}
    write_json(out / "comparison.json", {**whole_record, "seed": cfg.seed, "notes": list(found.notes), **rows})
    write_figure(partial(compare_figure, found), out, "comparison", cfg.figures)


def main() -> None:
    """Entry point of `python -m oresort.compare`."""
    run_command("compare", __doc__, CompareConfig, compare)


if __name__ == "__main__":
    main()
