"""Make a dataset of particle pairs out of raw scans: corrected, registered, segmented, cut, flagged."""

from typing import TYPE_CHECKING

from oresort.console.command import run_command

if TYPE_CHECKING:
    from oresort.scan.prepare import PrepareConfig, Prepared


def _schema() -> type:
    from oresort.scan.prepare import PrepareConfig

    return PrepareConfig


def _run(cfg: "PrepareConfig") -> "Prepared":
    from oresort.scan.prepare import prepare

    return prepare(cfg)


def main() -> None:
    """Entry point of `python -m oresort.prepare`."""
    run_command("prepare", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
