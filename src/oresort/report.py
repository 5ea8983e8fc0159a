"""Put the runs below a folder into one table: a row a configuration, mean ± std over its seeds.

The table goes to the screen and, as `report.csv` and `report.md`, into the folder of the runs.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from oresort.command import run_command
from oresort.errors import InputError
from oresort.learn.config import REQUIRED
from oresort.learn.report import Report, collect, markdown, readable, summarise
from oresort.paths import replacing
from oresort.show import show


@dataclass
class ReportConfig:
    """One report; `conf/report.yaml` explains each key."""

    runs: str = REQUIRED
    split: str = "test"
    out: str | None = None


def report(cfg: ReportConfig) -> Report:
    """Summarise the runs, print the tables and write `report.csv` and `report.md`."""
    if cfg.split not in ("val", "test"):
        raise InputError(f"split={cfg.split}: runs record val and test; choose one of them")
    result = summarise(collect(Path(cfg.runs)), cfg.split)
    out = Path(cfg.out or cfg.runs)
    text = readable(result.table)
    with replacing(out / "report.csv") as temporary:
        result.table.to_csv(temporary, index=False)
    parts = [f"Metrics on `{cfg.split}` in per cent, mean±std over n seeds.\n\n{markdown(text)}"]
    if not text.empty:
        show(text, f"{cfg.runs}: {cfg.split}, per cent, mean±std over n seeds")
    if not result.failed.empty:
        failed = result.failed.astype(object).where(result.failed.notna(), "-").astype(str)
        parts.append(f"Runs that did not finish:\n\n{markdown(failed)}")
        show(failed, "runs that did not finish")
    with replacing(out / "report.md") as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8")
    print(f"written: {out / 'report.csv'}, {out / 'report.md'}", file=sys.stderr)
    return result


def main() -> None:
    """Entry point of `python -m oresort.report`."""
    run_command("report", ReportConfig, report)


if __name__ == "__main__":
    main()
