"""Pairs per second of the simulator, and its memory.

Run by `make bench`; prints, asserts nothing.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oresort.belt import write_pairs


def main() -> None:
    """Write pairs with one process and with several, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3000, help="pairs to simulate (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes to compare with one (%(default)s)")
    options = parser.parse_args()
    table = Table(title=f"simulate pairs={options.pairs}")
    for column in ("processes", "pairs/s", "peak memory of the largest process, MiB"):
        table.add_column(column, justify="right")
    for workers in (1, options.workers):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            write_pairs(Path(folder), options.pairs, seed=0, workers=workers)
            rate = options.pairs / (time.perf_counter() - start)
        peak = max(
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        table.add_row(str(workers), f"{rate:.0f}", f"{peak / 1024:.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
