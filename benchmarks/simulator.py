"""Pairs per second of the simulator, and its memory.

Prints, asserts nothing. On a loaded machine wall time says little, so processor time per pair is told as well: its
inverse times the cores is the rate that idle cores would reach, start of the processes included.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oresort.belt import write_pairs


def processor_seconds() -> float:
    """Return the processor time in s of this process and of those that it waited for."""
    uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(use.ru_utime + use.ru_stime for use in uses)


def peak_mib(workers: int) -> float:
    """Return a bound of the memory in MiB of all processes: this one's peak and the largest child's for each."""
    own, child = (resource.getrusage(w).ru_maxrss / 1024 for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own + (child * workers if workers > 1 else 0.0)


def main() -> None:
    """Write pairs with one process and with several, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3000, help="pairs to simulate (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes to compare with one (%(default)s)")
    options = parser.parse_args()
    table = Table(title=f"simulate pairs={options.pairs}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for column in (
        "processes",
        "pairs/s, wall",
        "ms of processor a pair",
        "pairs/s of one idle core",
        "peak MiB",
    ):
        table.add_column(column, justify="right")
    for workers in (1, options.workers):
        with tempfile.TemporaryDirectory() as folder:
            wall, used = time.perf_counter(), processor_seconds()
            write_pairs(Path(folder), options.pairs, seed=0, workers=workers)
            wall, used = time.perf_counter() - wall, processor_seconds() - used
        table.add_row(
            str(workers),
            f"{options.pairs / wall:.0f}",
            f"{1000 * used / options.pairs:.2f}",
            f"{options.pairs / used:.0f}",
            f"{peak_mib(workers):.0f}",
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
