"""How long `--help` of each command takes, against importing Hydra: `python benchmarks/help.py`."""

import os
import subprocess
import sys

import pandas as pd

from oresort.console.show import show
from oresort.paths import CONF_DIR

ROUNDS = 5


def seconds(*words: str) -> float:
    """Return the least processor time of a python process over some rounds."""
    times = []
    for _ in range(ROUNDS):
        before = os.times()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(times)


def main() -> None:
    """Print a row per command."""
    hydra = seconds("-c", "import hydra")
    rows = [{"command": "import hydra", "seconds": f"{hydra:.2f}", "times": "1.0"}]
    for file in sorted(CONF_DIR.glob("*.yaml")):
        own = seconds("-m", f"oresort.{file.stem}", "--help")
        rows.append({"command": f"{file.stem} --help", "seconds": f"{own:.2f}", "times": f"{own / hydra:.1f}"})
    show(pd.DataFrame(rows), f"processor time, least of {ROUNDS}")


if __name__ == "__main__":
    main()
