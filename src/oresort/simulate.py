"""Simulate a dataset or raw scans, with exact ground truth."""

from typing import TYPE_CHECKING, Any

from oresort.console.command import run_command

if TYPE_CHECKING:
    from oresort.belt.simulate import SimulateConfig


def _schema() -> type:
    from oresort.belt.simulate import SimulateConfig

    return SimulateConfig


def _run(cfg: "SimulateConfig") -> dict[str, Any]:
    from oresort.belt.simulate import simulate

    return simulate(cfg)


def main() -> None:
    """Entry point of `python -m oresort.simulate`."""
    run_command("simulate", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
