"""Lines a second of a `Sorter` alone, in one thread: `python benchmarks/sorter.py`.

Lines of 3,328 columns and two layers come 32 at a time, of a belt covered by nothing to 0.3, without faults. Processor
time, the best of some rounds, which other programs lengthen least. `benchmarks/stream.py` measures the whole stream.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from belt import COVERAGES, Tile, simulated

from oresort import load
from oresort.console.show import show
from oresort.files.write import replacing
from oresort.runtime.model import Model
from oresort.runtime.sorter import Sorter
from oresort.runtime.source.first import held
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.measure import calibrate_scan

LINES = 32  # at a time


def sorted_once(model: Model, calibration: Calibration, tiles: Sequence[Tile]) -> tuple[float, int, int]:
    """Return processor seconds for some tiles as one belt, its lines, and its particles."""
    sorter, particles = Sorter(model, calibration), 0
    start = time.process_time()
    for low, high in tiles:
        for first in range(0, len(low), LINES):
            particles += len(sorter.push(low[first : first + LINES], high[first : first + LINES]))
    particles += len(sorter.finish())
    return time.process_time() - start, sorter.lines, particles


def main() -> None:
    """Sort each coverage's tiles, print and write a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", default="builtin", help="checkpoint, exported model, or builtin")
    parser.add_argument("--rounds", type=int, default=5, help="of which the best counts")
    parser.add_argument("--seed", type=int, default=0, help="of the belt")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sound, _ = simulated(options.seed)
    calibration = calibrate_scan(held("tiles", *(np.concatenate(layer) for layer in zip(*sound[:2], strict=True))))
    model: Model = load(options.ckpt)
    rows = []
    for coverage in sorted(set(COVERAGES)):
        # each tile once: lines that come again within 2,000 are a fault, and their particles are not sorted as others
        tiles = [tile for tile, known in zip(sound, COVERAGES * 2, strict=True) if known == coverage]
        rounds = [sorted_once(model, calibration, tiles) for _ in range(max(options.rounds, 1))]
        seconds, lines, particles = min(rounds)
        made = {"lines": lines, "particles": particles, "lines/s": round(lines / seconds)}
        rows.append({"coverage": coverage, **made, "particles/s": round(particles / seconds)})
    table = pd.DataFrame(rows)
    show(table.astype(str), f"a Sorter in one thread, {options.ckpt}, seed {options.seed}, processor time")
    if options.out:
        with replacing(options.out) as part:
            table.to_csv(part, index=False)


if __name__ == "__main__":
    main()
