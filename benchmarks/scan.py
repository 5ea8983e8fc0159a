"""Lines per second of each stage from raw scan to particle pairs, and the peak memory of a long scan.

Run by `make bench`; prints, asserts nothing. The long scan is made of simulated ones, written line by line.
"""

import argparse
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import tifffile
from imagecodecs import delta_encode, lzw_encode
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from oresort.files.lines import PairReader
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import Corrector
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.scan.cut.cutter import Cutter
from oresort.scan.prepare import PrepareConfig, prepare
from oresort.scan.segment.mask import Cover, noise_cover
from oresort.scan.segment.regions import Region, Regions
from oresort.scan.segment.split import split_touching
from oresort.xray.transmission import FULL_SCALE, NOMINAL_AIR
from studies.segmentation.crowd import crowded_scan

Layers = tuple[NDArray[np.uint16], NDArray[np.uint16]]


def write_scan(folder: Path, pieces: list[Layers], lines: int) -> None:
    """Write a scan of `lines` lines by repeating pieces, LZW with one strip a line as the paper's sorter."""
    width = pieces[0][0].shape[1]
    for index, name in enumerate(("low", "high")):
        # compressed once: the scan repeats them
        strips = [bytes(lzw_encode(delta_encode(row))) for piece in pieces for row in piece[index]]
        tifffile.imwrite(
            folder / f"scan_{name}.tiff",
            itertools.islice(itertools.cycle(strips), lines),
            shape=(lines, width),
            dtype=np.uint16,
            compression="lzw",
            predictor=True,
            rowsperstrip=1,
            metadata=None,
            bigtiff=lines * width > 2**30,
        )


class Stage(NamedTuple):
    """One stage's name, seconds, and seconds of processor time, which other work beside it does not lengthen."""

    name: str
    seconds: float
    busy: float


def stages(folder: Path, lines: int) -> list[Stage]:
    """Return the time of each stage by itself, one after the other, for the first `lines` lines."""
    taken: list[Stage] = []

    def timed(name: str, work: Callable[[], object]) -> None:
        start, busy = time.perf_counter(), time.process_time()
        work()
        taken.append(Stage(name, time.perf_counter() - start, time.process_time() - busy))

    with PairReader(folder / "scan_low.tiff", folder / "scan_high.tiff") as reader:
        found: list[Calibration] = []

        def fit() -> None:
            found.append(calibrate_scan(reader))

        timed("calibrate and register (once a scan)", fit)
        calibration = found[0]
        belt = calibration.belt
        tiles = range(0, lines, 512)
        raw: list[Layers] = []

        def read() -> None:
            raw.extend((reader.low.read(s, s + 512), reader.high.read(s, s + 512)) for s in tiles)

        timed("read, both layers in one thread", read)
        correctors = [Corrector(columns, belt) for columns in (calibration.low, calibration.high)]
        flat: list[list[NDArray[np.float32]]] = []
        timed(
            "correct columns",
            lambda: flat.extend([c(x) for c, x in zip(correctors, pair, strict=True)] for pair in raw),
        )
        noise = calibration.low.noise[belt]
        masks: list[Cover] = []
        timed("mask", lambda: masks.extend(noise_cover(pair[0], 1.0, noise) for pair in flat))
        weak, strong = (np.concatenate([getattr(m, name) for m in masks]) for name in ("weak", "strong"))
        found_regions: list[Region] = []
        timed("connect", lambda: found_regions.extend(Regions().ended(weak, strong, last=True)))
        timed("part", lambda: [split_touching(region.mask) for region in found_regions])
        cutter = Cutter(calibration)
        for low, high in raw:
            timed("all of it, from counts to registered crops", partial(cutter.push, low, high))
        timed("all of it, from counts to registered crops", cutter.finish)
    names = dict.fromkeys(stage.name for stage in taken)
    alike = [[stage for stage in taken if stage.name == name] for name in names]
    return [
        Stage(group[0].name, sum(stage.seconds for stage in group), sum(stage.busy for stage in group))
        for group in alike
    ]


def whole(folder: Path, out: Path) -> None:
    """Prepare the long scan and print seconds and peak memory, in this process alone."""
    start, busy = time.perf_counter(), time.process_time()
    prepared = prepare(PrepareConfig(scans=str(folder), out=str(out), label="ore"))
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = int(prepared.summary["lines"].sum())
    print(f"whole chain: {lines:,} lines, {len(prepared.manifest):,} pairs, {seconds:.1f} s,", end=" ")
    print(f"{lines / seconds:,.0f} lines/s, peak memory {peak:,.0f} MiB;", end=" ")
    # on a machine that does other things as well, this is the steadier figure
    print(f"{busy:.1f} s of processor time, {1e6 * busy / lines:.0f} us a line")


def main() -> None:
    """Time the stages on a few thousand lines, then the command on a long scan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=60_000, help="lines of the long scan")
    parser.add_argument("--coverage", type=float, default=0.1, help="share of the belt covered")
    parser.add_argument("--whole", nargs=2, metavar=("SCANS", "OUT"), help="only prepare this folder")
    options = parser.parse_args()
    if options.whole:
        whole(Path(options.whole[0]), Path(options.whole[1]))
        return
    cv2.setNumThreads(1)
    pieces = []
    for seed in range(5):
        scan = crowded_scan(seed, options.coverage)
        # one detector saw all of it: the pieces differ in their particles, not in air
        gains = [scan.settings.air[layer] / NOMINAL_AIR for layer in range(2)]
        layers = [
            np.where(c == FULL_SCALE, c, np.rint(c / g)).astype(np.uint16)
            for c, g in zip((scan.low, scan.high), gains, strict=True)
        ]
        pieces.append((layers[0], layers[1]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "scans"
        folder.mkdir()
        write_scan(folder, pieces, options.lines)
        measured = min(3_000, options.lines)
        print(f"{measured:,} lines x 3,328 columns x 2 layers, coverage {options.coverage:g}, one thread:")
        table = Table()
        table.add_column("stage")
        table.add_column("lines/s", justify="right")
        table.add_column("processor, us a line", justify="right")
        for stage in stages(folder, measured):
            per_line = 1e6 * stage.busy / measured
            table.add_row(stage.name, f"{measured / stage.seconds:,.0f}", f"{per_line:.0f}")
        Console(width=100).print(table)
        command = [sys.executable, __file__, "--whole", str(folder), str(Path(name) / "out")]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
