"""Put the runs below a folder into tables: one row per configuration, mean ± std over its seeds.

An experiment's rows stand beside the paper's numbers, each with its difference to the reference row and an
interval (paired bootstrap over scans). Tables go to the screen; `report.csv` (all columns), `report.md`,
`report.tex` and a picture of each table go into the folder of the runs.
"""

import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from oresort.console.command import REQUIRED, run_command
from oresort.console.ranges import one_of, whole

if TYPE_CHECKING:
    from oresort.tables.summary import Report


@dataclass
class ReportConfig:
    """One report; `conf/report.yaml` explains each key."""

    runs: str = REQUIRED
    split: Annotated[str, one_of("val", "test")] = "test"
    metric: str = "auroc"
    columns: list[str] = field(default_factory=list)
    reference: str | None = None
    resamples: Annotated[int, whole(0, 1_000_000)] = 1000
    figures: list[Annotated[str, one_of("png", "pdf", "svg")]] = field(default_factory=lambda: ["png"])
    out: str | None = None
    page: bool = False


def report(cfg: ReportConfig) -> "Report":
    """Summarise the runs, print the tables and write `report.{csv,md,tex}` and a picture of each table."""
    from oresort.console.show import show
    from oresort.errors import InputError
    from oresort.files.write import replacing
    from oresort.tables.collect import DAMAGED, collect, keys_of
    from oresort.tables.columns import checked_columns
    from oresort.tables.figure import write_figure
    from oresort.tables.latex import HEAD, latex
    from oresort.tables.plot import report_figure
    from oresort.tables.summary import summarise
    from oresort.tables.text import markdown, sections

    runs = collect(Path(cfg.runs))
    keys = keys_of(runs)
    columns = checked_columns(cfg.columns, keys)
    shown = [name for name in columns if name in keys]
    result = summarise(runs, cfg.split, cfg.metric, cfg.resamples, cfg.reference or "", shown)
    out = Path(cfg.out or cfg.runs)
    with replacing(out / "report.csv") as temporary:
        result.table.to_csv(temporary, index=False, float_format="%.6g")
    texts, tex = [], [HEAD]
    for section in sections(result, cfg.split, cfg.metric, columns):
        show(section.cells, f"{section.title}: {section.facts}")
        for note in section.notes:
            print(f"warning: {note}", file=sys.stderr)
        notes = "".join(f"\n{note}.\n" for note in section.notes)
        texts.append(f"**{section.title}**: {section.facts}.\n\n{markdown(section.cells)}{notes}")
        tex.append(latex(section))
        write_figure(partial(report_figure, section, cfg.metric), out, f"report-{section.slug}", cfg.figures)
    if not result.failed.empty:
        failed = result.failed.astype(object).where(result.failed.notna(), "-").astype(str)
        texts.append(f"Runs that did not finish, or are damaged:\n\n{markdown(failed)}")
        show(failed, "runs that did not finish, or are damaged")
    for file, parts in (("report.md", texts), ("report.tex", tex)):
        with replacing(out / file) as temporary:
            temporary.write_text("\n".join(parts), encoding="utf-8")
    pictures = "".join(f", report-*.{kind}" for kind in cfg.figures)
    print(f"written to {out}: report.csv, report.md, report.tex{pictures}", file=sys.stderr)
    if cfg.page:
        from oresort.tables.page.sweep import write_sweep

        print(f"page: {write_sweep(out, result, cfg.runs, cfg.split, cfg.metric, cfg.resamples)}")
    damaged = result.failed[result.failed["status"] == DAMAGED]
    if not damaged.empty:  # of runs that go on still, none has an error
        first, *others = damaged["error"]
        more = f" (and {len(others)} more, see report.md)" if others else ""
        raise InputError(f"{first}{more}; the report is of the others")
    return result


def main() -> None:
    """Entry point of `python -m oresort.report`."""
    run_command("report", __doc__, ReportConfig, report)


if __name__ == "__main__":
    main()
