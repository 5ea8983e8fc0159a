"""Sort scans, or lines as they come: find particles, classify them, write `decisions.csv` and `overlay.png`."""

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
    from oresort.learn.load import load
    from oresort.runtime.run import sort

    return sort(cfg, load(cfg.ckpt, cfg.device))


def main() -> None:
    """Entry point of `python -m oresort.sort`."""
    run_command("sort", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
