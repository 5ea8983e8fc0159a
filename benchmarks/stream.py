"""A long synthetic belt sent to `sort` over a socket: what is lost, doubled or out of order, how fast and how late.

    python benchmarks/stream.py --minutes 10 --rate 3700              # with the model in the package
    python benchmarks/stream.py --ckpt FILE --minutes 2 --rate 0     # as fast as lines are taken

Simulated pieces of belt of some coverages follow each other at random, every eighth with a fault of the
detector, and each minute the sender leaves and comes again. What `decisions.csv` then holds is compared, row by row,
with what a `Sorter` decides on the same lines without any stream. Prints one table and writes it; asserts nothing.
"""

import argparse
import csv
import itertools
import os
import runpy
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # studies lie outside the package

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from oresort import load  # noqa: E402
from oresort.console.show import show  # noqa: E402
from oresort.files.reading import read_json  # noqa: E402
from oresort.files.write import replacing  # noqa: E402
from oresort.runtime.model import Model  # noqa: E402
from oresort.runtime.sorter import Sorter  # noqa: E402
from oresort.runtime.source.first import held  # noqa: E402
from oresort.runtime.source.protocol import pack_frame, pack_header  # noqa: E402
from oresort.scan.calibrate.calibration import load_calibration, save_calibration  # noqa: E402
from oresort.scan.calibrate.measure import calibrate_scan  # noqa: E402
from oresort.sorting.decision import Decision  # noqa: E402
from oresort.xray.transmission import FULL_SCALE, NOMINAL_AIR  # noqa: E402
from studies.segmentation.crowd import crowded_scan  # noqa: E402

Tile = tuple[NDArray[np.uint16], NDArray[np.uint16]]

COVERAGES = (0.05, 0.1, 0.3, 0.1, 0.0)
APART = 4  # tiles until one may come again: lines that repeat one of the last 2,000 to the bit are a fault
FAULTY = 8  # one tile of so many has a fault


class Plan(NamedTuple):
    """What is sent: pieces of belt, each a list of tiles by number."""

    pieces: list[list[int]]

    @property
    def tiles(self) -> list[int]:
        """All tiles in order."""
        return [tile for piece in self.pieces for tile in piece]


def plan_of(sound: int, faulty: int, count: int, piece: int, seed: int) -> Plan:
    """Return `count` tiles in pieces of `piece`: those from `sound` on are the first ones with faults."""
    rng = np.random.default_rng(seed)
    order: list[int] = []
    while len(order) < count:
        wanted = range(sound, sound + faulty) if faulty and len(order) % FAULTY == FAULTY - 1 else range(sound)
        recent = {tile % sound for tile in order[-APART:]}
        order.append(int(rng.choice([tile for tile in wanted if tile % sound not in recent])))
    return Plan([order[start : start + piece] for start in range(0, count, piece)])


def simulated(seed: int, coverages: tuple[float, ...] = COVERAGES) -> tuple[list[Tile], list[Tile]]:
    """Return sound and faulty tiles of 600 lines, as one detector sees them: at least ten, of coverages in turn."""
    sound = []
    for number, coverage in enumerate(coverages * -(-2 * len(COVERAGES) // len(coverages))):
        scan = crowded_scan(seed + number, coverage)
        # one detector saw all of it: the tiles differ in their particles, not in air
        even = [
            np.where(counts == FULL_SCALE, counts, np.rint(counts * (NOMINAL_AIR / air))).astype(np.uint16)
            for counts, air in zip((scan.low, scan.high), scan.settings.air, strict=True)
        ]
        sound.append((even[0], even[1]))
    return sound, broken(sound)


def broken(tiles: Sequence[Tile]) -> list[Tile]:
    """Return tiles with faults of the detector: of modules, packets, lines and the tube."""
    known: dict[str, Any] = runpy.run_path(str(ROOT / "tests" / "scan" / "faults" / "breaking.py"))
    patch, rng = known["Patch"], np.random.default_rng(0)
    height, width = tiles[0][0].shape
    middle, module = height // 2, slice(width // 3, width // 3 + width // 26)
    faults: list[Callable[..., Tile]] = [
        patch("zero", "both", slice(middle, middle + 30)),  # lines lost
        patch("frozen", "both", slice(middle, middle + 12)),  # the same line again and again
        patch("zero", "low", slice(middle, middle + 60), module),  # a module drops out
        patch("noise", "high", slice(middle, middle + 40), module),
        known["dip"](0.8, slice(middle, middle + 50)),  # the tube
        patch("full", "both", slice(middle, middle + 1)),
    ]
    inside = np.flatnonzero((tiles[0][0] != FULL_SCALE).any(axis=0))
    belt = known["Belt"](int(inside[0]), int(inside[-1]) + 1, round(NOMINAL_AIR))
    return [fault(*tile, belt, rng) for fault, tile in zip(faults, itertools.cycle(tiles), strict=False)]


@dataclass
class Sender:
    """Sends tiles by a plan; a line is due once it has been exposed.

    Args:
        tiles: all of them, sound ones first.
        rate: lines a second; 0: as fast as they are taken.
        lines: of a frame.
    """

    tiles: Sequence[Tile]
    rate: float
    lines: int = 32
    most_late: float = 0.0  # seconds that a frame went out after it was due: what the receiver held it back

    def send(self, port: int, plan: Plan, watch: Callable[[], None]) -> float:
        """Send all of it and return the seconds it took; `watch` is called now and then."""
        ready = [self._packed(tile) for tile in self.tiles]
        begun, first, looked = time.perf_counter(), 0, 0.0
        for piece in plan.pieces:
            with socket.create_connection(("127.0.0.1", port)) as sender:
                sender.sendall(pack_header(self.tiles[0][0].shape[1]))
                for tile in piece:
                    for count, payload, crc in ready[tile]:
                        first += count
                        now = time.perf_counter()
                        if self.rate:
                            due = begun + first / self.rate
                            time.sleep(max(due - now, 0))
                        sender.sendall(_head(first - count, count, crc))
                        sender.sendall(payload)
                        if self.rate:
                            self.most_late = max(self.most_late, time.perf_counter() - due)
                        if now - looked > 1:
                            looked = now
                            watch()
                width = self.tiles[0][0][:0]
                sender.sendall(pack_frame(first, width, width))
        return time.perf_counter() - begun

    def _packed(self, tile: Tile) -> list[tuple[int, bytes, int]]:
        frames = []
        for start in range(0, len(tile[0]), self.lines):
            payload = b"".join(layer[start : start + self.lines].tobytes() for layer in tile)
            frames.append((min(self.lines, len(tile[0]) - start), payload, zlib.crc32(payload)))
        return frames


def _head(first: int, count: int, crc: int) -> bytes:
    head = struct.pack("<4sIQI", b"LINE", count, first, crc)
    return head + struct.pack("<I", zlib.crc32(head))


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
