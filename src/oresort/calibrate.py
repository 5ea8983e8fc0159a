"""Measure a sorter from its scans: air, noise and faults of every column, how its layers overlie; write that down."""

from typing import TYPE_CHECKING

from oresort.console.command import run_command

if TYPE_CHECKING:
    from oresort.scan.calibrate.calibration import Calibration
    from oresort.scan.calibrate.command import CalibrateConfig


def _schema() -> type:
    from oresort.scan.calibrate.command import CalibrateConfig

    return CalibrateConfig


def _run(cfg: "CalibrateConfig") -> "Calibration":
    from oresort.scan.calibrate.command import calibrate

    return calibrate(cfg)


def main() -> None:
    """Entry point of `python -m oresort.calibrate`."""
    run_command("calibrate", __doc__, _schema, _run)


if __name__ == "__main__":
    main()
