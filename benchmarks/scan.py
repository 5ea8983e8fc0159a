"""The raw-scan chain's lines per second, stage by stage and as a whole, its memory, and how late a particle comes out.

Run by `make bench`; prints, asserts nothing. Every time is also given over that of `np.log` of the same pixels in the
same run, which other work on the machine lengthens alike. The long scan repeats simulated pieces.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import pandas as pd
import tifffile
from imagecodecs import delta_encode, lzw_encode
from numpy.typing import NDArray

from oresort.console.show import show
from oresort.files.image import write_pair
from oresort.files.lines import PairReader
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.scan.cut import cutter as chain
from oresort.scan.cut.crop import Cropper, Cut
from oresort.scan.cut.window import Window
from oresort.scan.draw.preview import Preview
from oresort.scan.health.judge import Judge
from oresort.scan.segment.regions import Regions
from oresort.xray.transmission import FULL_SCALE, NOMINAL_AIR
from studies.segmentation.crowd import crowded_scan

Layers = tuple[NDArray[np.uint16], NDArray[np.uint16]]

_INSIDE: tuple[tuple[str, Any, str], ...] = (  # of the cutter: what it calls, and what is done there
    ("correct, level, judge", Judge, "take"),
    ("mask", Window, "_mask"),
    ("label", Regions, "ended"),
    ("part", chain, "split_touching"),
    ("take what is about a particle", chain, "found"),
    ("register and cut", Cropper, "__call__"),
)
_FRONT = 3  # so many of these touch every pixel


@dataclass
class Clock:
    """Seconds of processor time by stage, which other programs lengthen least."""

    spent: dict[str, float] = field(default_factory=dict)

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return `work` so that its time is counted."""
        self.spent.setdefault(stage, 0.0)

        def run(*args: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return work(*args, **named)
            finally:
                self.spent[stage] += time.process_time() - start

        return run


def write_scan(folder: Path, coverage: float, lines: int) -> None:
    """Write a scan of `lines` lines by repeating simulated pieces, LZW with one strip a line as the paper's sorter."""
    scans = [crowded_scan(seed, coverage) for seed in range(5)]
    for layer, name in enumerate(("low", "high")):
        strips = []  # compressed once: the scan repeats them
        for scan in scans:
            counts = (scan.low, scan.high)[layer]
            # one detector saw all of it: the pieces differ in their particles, not in air
            even = np.rint(counts * (NOMINAL_AIR / scan.settings.air[layer])).astype(np.uint16)
            strips += [bytes(lzw_encode(delta_encode(row))) for row in np.where(counts == FULL_SCALE, counts, even)]
        tifffile.imwrite(
            folder / f"scan_{name}.tiff",
            itertools.islice(itertools.cycle(strips), lines),
            shape=(lines, scans[0].low.shape[1]),
            dtype=np.uint16,
            compression="lzw",
            predictor=True,
            rowsperstrip=1,
            metadata=None,
        )


def stages(folder: Path, lines: int, out: Path) -> dict[str, float]:
    """Return the seconds of each stage for the first `lines` lines, in one thread; those of `np.log` by that name."""
    clock = Clock()
    with PairReader(folder / "scan_low.tiff", folder / "scan_high.tiff") as reader:
        calibration = clock.timed("calibrate (once a scan)", calibrate_scan)(reader)
        read = clock.timed("read", lambda s: (reader.low.read(s, s + 512), reader.high.read(s, s + 512)))
        pieces: list[Layers] = [read(start) for start in range(0, lines, 512)]
    log = clock.timed("np.log", np.log)
    for layer in itertools.chain.from_iterable(pieces):
        pixels = layer.astype(np.float32) + 1
        log(pixels, out=pixels)
    preview = Preview(sum(len(low) for low, _ in pieces), calibration)
    for low, _ in pieces:
        clock.timed("picture", preview.add)(low)
    with ExitStack() as watched:
        for stage, owner, name in _INSIDE:
            watched.enter_context(mock.patch.object(owner, name, clock.timed(stage, getattr(owner, name))))
        push = clock.timed("all of the cutter", chain.Cutter(calibration).push)
        cuts: list[Cut] = [cut for piece in pieces for cut in push(*piece)]
    for number, cut in enumerate(cuts):
        clock.timed("write crops", write_pair)(out / str(number), cut.low, cut.high)
    clock.spent["correct, mask, label"] = sum(clock.spent[stage] for stage, _, _ in _INSIDE[:_FRONT])
    return clock.spent


def delays(folder: Path, lines: int) -> tuple[NDArray[np.int64], int]:
    """Return how many lines after its last one each particle came out, pushed line by line, and how many are stated.

    Parts of a clump are left out: they wait for the clump's last line.
    """
    with PairReader(folder / "scan_low.tiff", folder / "scan_high.tiff") as reader:
        cutter = chain.Cutter(calibrate_scan(reader))
        low, high = reader.low.read(0, lines), reader.high.read(0, lines)
    late = []
    for line in range(len(low)):
        for cut in cutter.push(low[line : line + 1], high[line : line + 1]):
            if not cut.particle.parted:
                late.append(cutter.lines - cut.particle.y - cut.particle.h)
    return np.array(late, np.int64), cutter.lookahead


def command(words: list[str], cores: int) -> dict[str, float]:
    """Run a command of this package on so many cores; return wall and processor seconds, and MiB beyond its imports."""
    code = (
        "import json, os, resource, sys, time;"
        f"os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{cores}]);"
        "import cv2, oresort.scan.prepare, oresort.scan.draw.decisions;"
        "sort = sys.argv[1] == 'sort';"
        "sort and (__import__('oresort.learn.checkpoint'), __import__('oresort.runtime.run'));"
        "module = __import__(f'oresort.{sys.argv.pop(1)}', fromlist=['main']);"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024;"
        "at_rest, start, busy = peak(), time.perf_counter(), time.process_time();"
        "module.main();"
        "spent = time.perf_counter() - start, time.process_time() - busy;"
        "print(json.dumps({'wall': spent[0], 'processor': spent[1], 'MiB': peak() - at_rest}))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(coverage: float, lines: int, ckpt: str | None) -> None:
    """Print the tables of one coverage."""
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "scans", Path(name) / "crops"
        folder.mkdir()
        write_scan(folder, coverage, lines)
        short = min(3_072, lines)
        spent = stages(folder, short, out)
        log = spent.pop("np.log") / short
        rows = []

        def row(stage: str, seconds: float, count: int, **more: str) -> None:
            rate = {"lines/s": f"{count / seconds:,.0f}", "us a line": f"{1e6 * seconds / count:.0f}"}
            rows.append({"stage": stage, **rate, "over np.log": f"{seconds / count / log:.1f}", **more})

        for stage, seconds in spent.items():
            # a sample of a scan, however long that is
            row(stage, seconds, lines if "once" in stage else short, clock="processor")
        jobs = {"prepare": ["prepare", f"scans={folder}", "label=ore"]}
        if ckpt:
            layers = [f"{layer}={folder / f'scan_{layer}.tiff'}" for layer in ("low", "high")]
            jobs["sort"] = ["sort", f"ckpt={ckpt}", *layers]
        for job, words in jobs.items():
            for cores in range(1, min(2, len(os.sched_getaffinity(0))) + 1):
                found = command([*words, f"out={Path(name) / f'{job}{cores}'}"], cores)
                title = f"{job}, {cores} core{'s'[: cores - 1]}"
                row(
                    title,
                    found["wall"],
                    lines,
                    clock=f"wall ({found['processor']:.0f} s busy)",
                    MiB=f"{found['MiB']:.0f}",
                )
        late, stated = delays(folder, min(1_536, lines))
        machine = f"{lines:,} lines x 3,328 columns x 2 layers, coverage {coverage:g}, np.log {1e6 * log:.0f} us a line"
        show(pd.DataFrame(rows).fillna(""), machine)
        print(f"a particle comes out {np.median(late):.0f} lines after its last one, {late.max()} at most;", end=" ")
        print(f"{stated} are stated")


def main() -> None:
    """Time the stages on some thousand lines, then the commands on the long scan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=20_400, help="lines of the long scan")
    parser.add_argument(
        "--coverage", type=float, nargs="+", default=[0.01, 0.1, 0.3], help="shares of the belt covered"
    )
    parser.add_argument("--sort", metavar="CKPT", help="sort the long scan as well, by this checkpoint")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for coverage in options.coverage:
        measure(coverage, options.lines, options.sort)


if __name__ == "__main__":
    main()
