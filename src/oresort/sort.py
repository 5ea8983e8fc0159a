"""Sort scans, or lines as they come: find particles, classify them, write `decisions.csv` and `overlay.png`."""

from pathlib import Path
from typing import TYPE_CHECKING

from oresort.console.command import run_command

if TYPE_CHECKING:
    from oresort.runtime.belt import SortedBelt
    from oresort.runtime.settings import SortConfig
    from oresort.runtime.stream.deciding import Deciding


def _schema() -> type:
    from oresort.runtime.settings import SortConfig

    return SortConfig


def _run(cfg: "SortConfig") -> "list[SortedBelt] | Deciding":
    from oresort.errors import Interrupted
    from oresort.learn.load import load
    from oresort.runtime.run import sort

    model = load(cfg.ckpt, cfg.device, cfg.cutoff)
    try:
        found = sort(cfg, model)
    except Interrupted:
        if cfg.watch or cfg.lines is not None:  # a stream that a signal has ended is whole
            _report(cfg)
        raise
    _report(cfg)
    return found


def _report(cfg: "SortConfig") -> None:
    if not cfg.report:
        for name in ("report.html", "report.json"):
            (Path(cfg.out) / name).unlink(missing_ok=True)  # of other decisions
    else:
        from oresort.tables.page.sorted import write_sort

        print(f"page: {write_sort(Path(cfg.out))}")


def main() -> None:
    """Entry point of `python -m oresort.sort`."""
    run_command("sort", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
