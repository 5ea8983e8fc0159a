"""A long synthetic belt sent to `sort` over a socket: what is lost, doubled or out of order, how fast and how late.

    python benchmarks/stream.py --minutes 10 --rate 3700              # with the model in the package
    python benchmarks/stream.py --ckpt FILE --minutes 2 --rate 0     # as fast as lines are taken

Simulated pieces of belt of some coverages follow each other at random, every eighth with a fault of the
detector, and each minute the sender leaves and comes again. What `decisions.csv` then holds is compared, row by row,
with what a `Sorter` decides on the same lines without any stream. Prints one table and writes it; asserts nothing.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from belt import COVERAGES, FAULTY, Plan, Sender, Tile, plan_of, simulated

from oresort import load
from oresort.console.show import show
from oresort.files.reading import read_json
from oresort.files.write import replacing
from oresort.runtime.model import Model
from oresort.runtime.sorter import Sorter
from oresort.runtime.source.first import held
from oresort.scan.calibrate.calibration import load_calibration, save_calibration
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.sorting.decision import Decision


def expected(tiles: Sequence[Tile], plan: Plan, begin: Callable[[], Sorter]) -> Iterator[tuple[str, int, Decision]]:
    """Yield what is decided on the lines of a plan without any stream: belt, line in the sender's count, decision."""
    first = 0
    for number, piece in enumerate(plan.pieces, start=1):
        sorter, base = begin(), first
        for tile in piece:
            for made in sorter.push(*tiles[tile]):
                yield f"belt_{number}", base + made.particle.y, made
            first += len(tiles[tile][0])
        for made in sorter.finish():
            yield f"belt_{number}", base + made.particle.y, made


def compared(table: Path, wanted: Iterator[tuple[str, int, Decision]]) -> dict[str, int]:
    """Return how many rows of a table are lost, doubled, out of order, or otherwise decided than is wanted."""
    place: dict[tuple[str, ...], tuple[int, str]] = {}
    for number, (belt, y, made) in enumerate(wanted):
        box = made.particle
        place[belt, str(box.x), str(y), str(box.w), str(box.h)] = number, made.decision
    found = dict.fromkeys(("particles", "doubled", "out of order", "unknown", "otherwise decided"), 0)
    seen: set[int] = set()
    last = -1
    with table.open(newline="") as stream:
        for row in csv.DictReader(stream):
            found["particles"] += 1
            number, decision = place.get(tuple(row[key] for key in ("scan", "x", "y", "w", "h")), (-1, ""))
            if number < 0:
                found["unknown"] += 1
                continue
            found["doubled"] += number in seen
            found["out of order"] += number < last
            found["otherwise decided"] += decision != row["decision"]
            seen.add(number)
            last = max(last, number)
    return found | {"lost": len(place) - len(seen)}


def memory(process: int) -> float:
    """Return a process's memory in MiB, or NaN where it has gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), float("nan"))


def listening(out: Path, process: "subprocess.Popen[bytes]") -> int:
    """Return the port at which a process listens, once its log says so; RuntimeError where it ends before."""
    while process.poll() is None:
        log = out / "log.txt"
        for line in log.read_text().splitlines() if log.is_file() else ():
            if " listening " in line:
                return int(line.rpartition(":")[2])
        time.sleep(0.05)
    raise RuntimeError(f"sort ended with {process.returncode} before it listened, see above")


def read_out(out: Path, process: "subprocess.Popen[bytes]", senders: int) -> None:
    """Wait until a process has read all that was sent: when the last sender has left, its end lies in the kernel."""
    patience = time.monotonic() + 60
    while process.poll() is None and (out / "log.txt").read_text().count(": the sender ends it at ") < senders:
        if time.monotonic() > patience:
            raise RuntimeError(f"not all {senders} pieces were read within 60 s, see {out / 'log.txt'}")
        time.sleep(0.05)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return one row: what was sent, how it went, and what is wrong with the table."""
    sound, faulty = simulated(options.seed, tuple(options.coverage))
    faulty = [] if options.sound else faulty
    tiles, height = [*sound, *faulty], len(sound[0][0])
    count = max(round(60 * options.minutes * (options.rate or 5_000) / height), 1)
    plan = plan_of(len(sound), len(faulty), count, max(round(60 * (options.rate or 5_000) / height), 1), options.seed)
    with tempfile.TemporaryDirectory() as name:
        out, known = Path(name) / "out", Path(name) / "cal.json"
        pair = held("tiles", *(np.concatenate(layer) for layer in zip(*sound[:2], strict=True)))
        save_calibration(known, calibrate_scan(pair))
        words = [f"ckpt={options.ckpt}", f"out={out}", "lines=tcp:0", "first=0", f"calibration={known}", *options.words]
        process = subprocess.Popen([sys.executable, "-m", "oresort.sort", *words])
        sizes: list[float] = []
        sender = Sender(tiles, options.rate, options.frame)
        seconds = sender.send(listening(out, process), plan, lambda: sizes.append(memory(process.pid)))
        read_out(out, process, len(plan.pieces))
        before = os.times()
        process.terminate()  # it decides on what has come first
        process.wait(600)
        after = os.times()
        busy = after.children_user + after.children_system - before.children_user - before.children_system
        record = read_json(out / "decisions.json", "run it again")
        model: Model = load(options.ckpt)
        calibration = load_calibration(known)
        wrong = compared(out / "decisions.csv", expected(tiles, plan, lambda: Sorter(model, calibration)))
    done, lines = record["since_start"], count * height
    delay, computing = done["delay_ms"], done["computing_ms"]
    quiet = [size for size in sizes[len(sizes) // 4 :] if size == size] or [float("nan")]
    return {
        "lines": lines,
        "rate": options.rate or "as fast as taken",
        "coverage": " ".join(f"{coverage:g}" for coverage in options.coverage),
        "faults": "none" if options.sound else f"of every {FAULTY}th piece",
        "lines/s": round(lines / seconds),
        "particles/s": round(wrong["particles"] / seconds),
        "p50 ms": delay["p50"],
        "p99 ms": delay["p99"],
        "most ms": delay["most"],
        "computer p50 ms": computing["p50"],
        "computer p99 ms": computing["p99"],
        "sender held ms": round(1_000 * sender.most_late) if options.rate else "",
        "late": done["late"],
        "lines not taken": lines - done["lines"],
        **wrong,
        "cores": round(busy / seconds, 2),
        "MiB after a quarter": round(quiet[0]),
        "MiB at the end": round(quiet[-1]),
    }


def main() -> None:
    """Send the belt, look at what became of it, print and write a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", default="builtin", help="checkpoint, exported model, or builtin")
    parser.add_argument("--minutes", type=float, default=0.5, help="of belt, at its rate or at 5,000 lines/s")
    parser.add_argument("--rate", type=float, nargs="+", default=[3_700.0], help="lines a second; 0: as fast as taken")
    parser.add_argument("--coverage", type=float, nargs="+", default=COVERAGES, help="of the pieces of belt")
    parser.add_argument("--sound", action="store_true", help="without faults of the detector")
    parser.add_argument("--frame", type=int, default=32, help="lines that are sent at a time")
    parser.add_argument("--seed", type=int, default=0, help="of the belt")
    parser.add_argument("--out", type=Path, help="CSV to write")
    parser.add_argument("words", nargs="*", help="more words for sort, such as deadline=100")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rows = [measure(argparse.Namespace(**{**vars(options), "rate": rate})) for rate in options.rate]
    table = pd.DataFrame(rows)
    show(table.T.reset_index().astype(str), "a synthetic belt of 3,328 columns x 2 layers, sorted as it comes")
    if options.out:
        with replacing(options.out) as part:
            table.to_csv(part, index=False)


if __name__ == "__main__":
    main()
