"""`python -m studies.realism LOW HIGH`: hold the simulator against a real scan.

Writes tables (CSV) and figures (PNG), and prints each criterion with what was found.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oresort.errors import InputError
from studies.realism.run import run


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m studies.realism", description=__doc__)
    parser.add_argument("low", type=Path, help="low-energy layer of scan 38, 16-bit TIFF or PNG")
    parser.add_argument("high", type=Path, help="high-energy layer of scan 38")
    parser.add_argument(
        "--out", type=Path, default=Path("experiments/simulator"), help="folder (%(default)s)"
    )
    parser.add_argument(
        "--scans", type=int, default=24, help="scans to simulate, each of a lot of its own (%(default)s)"
    )
    parser.add_argument("--particles", type=int, default=30, help="particles on each (%(default)s)")
    parser.add_argument("--seed", type=int, default=3000, help="seed of the first scan (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    options = parser.parse_args()
    if min(options.scans, options.particles, options.workers) < 1:
        parser.error("--scans, --particles and --workers must be at least 1")
    try:
        criteria = run(**vars(options))
    except InputError as error:
        sys.exit(f"error: {error}")
    table = Table(title="simulator against scan 38")
    for column in ("criterion", "found", "at most"):
        table.add_column(column, justify="left" if column == "criterion" else "right")
    for criterion, found, at_most in criteria.itertuples(index=False, name=None):
        table.add_row(criterion, f"{found:.3f}", f"{at_most:g}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
