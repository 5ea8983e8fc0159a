"""What nozzles and live page cost the thread that sorts: processor time for each line and particle, asserts nothing.

A belt of 20 mm at a coverage of 0.2 has 0.6 particles on each line. The page is measured without a client and with one
that takes all it is sent; the server's own threads count as well, since they take turns with the sorter's.
"""

import argparse
import http.client
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
from timing import report

from oresort.runtime.ejecting import Ejecting
from oresort.runtime.observer import Observer
from oresort.runtime.page.live import Live
from oresort.runtime.page.page import Page
from oresort.scan.cut.cutter import BLOCK
from oresort.scan.segment.particle import Particle
from oresort.sorting.decision import Decision
from oresort.sorting.drift import PairFigures
from oresort.sorting.ejectors.settings import Ejectors
from oresort.xray.transmission import NOMINAL_AIR

_WIDTH = 3_328
_PLANT = Ejectors(
    pixel=0.4,
    belt_speed=1.5,
    line_rate=3_750,
    distance=860,
    nozzles=66,
    nozzle_pitch=20,
    first_nozzle=10,
    open_delay=8,
    close_delay=6,
    travel=2,
    shortest_pulse=5,
    speed_jitter=0.005,
)


def belt(lines: int, each: float, seed: int = 0) -> list[list[Decision]]:
    """Return what is decided at each block of lines: ellipses of some 50 pixels, `each` on a line."""
    rng = np.random.default_rng(seed)
    made: list[list[Decision]] = [[] for _ in range(-(-lines // BLOCK))]
    nothing = PairFigures(1.0, 0.5, 2.0, 0.1, 0.1, 0.0, 1.0)
    for y in np.sort(rng.integers(0, lines, int(each * lines))).tolist():
        w, h = (int(size) for size in rng.integers(35, 75, 2))
        rows, columns = np.ogrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        particle = Particle(int(rng.integers(200, 2_700)), y, w, h, False, rows**2 + columns**2 <= 1)
        p = np.float32(rng.uniform())
        word = "ore" if p >= 0.5 else "waste"
        place = min((y + h + 72) // BLOCK, len(made) - 1)
        made[place].append(Decision(particle, w * h, 1.0, 1.0, 0.5, nothing, p, word, "threshold"))
    return made


def told(observers: Sequence[Observer], decisions: Sequence[Sequence[Decision]]) -> float:
    """Return the seconds of processor time in which observers are told of a belt."""
    low = np.full((BLOCK, _WIDTH), NOMINAL_AIR, np.uint16)
    start = time.process_time()
    for k, ready in enumerate(decisions, start=1):
        for observer in observers:
            observer.lines(low)
            observer.decided(ready, BLOCK * k)
    return time.process_time() - start


def watched(decisions: Sequence[Sequence[Decision]]) -> float:
    """Return the same for the page while a client reads, with what its server takes."""
    live = Live("benchmark")
    page = Page(live, "127.0.0.1", 0)

    def read() -> None:
        connection = http.client.HTTPConnection(page.address.split("/")[2])
        connection.request("GET", "/events")
        with suppress(http.client.HTTPException):
            connection.getresponse().read()

    client = threading.Thread(target=read, daemon=True)
    client.start()
    while not live.watched:
        time.sleep(0.01)
    spent = told([live], decisions)
    page.close()
    client.join()
    return spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=40_000)
    parser.add_argument("--each", type=float, default=0.6, help="particles on a line")
    parser.add_argument("--out", type=Path, default=None, help="CSV to write")
    args = parser.parse_args()
    decisions = belt(args.lines, args.each)
    jobs: dict[str, Callable[[], float]] = {
        "nozzles": lambda: told([Ejecting(_PLANT)], decisions),
        "page, nobody looks": lambda: told([Live("benchmark")], decisions),
        "page, one client": lambda: watched(decisions),
    }
    rows = []
    for name, job in jobs.items():
        spent = min(job() for _ in range(3))
        share = spent / args.lines * 5_000
        rows.append({"who": name, "us a line": f"{1e6 * spent / args.lines:.1f}", "% of a core": f"{100 * share:.1f}"})
    count = sum(map(len, decisions))
    report(pd.DataFrame(rows), f"{args.lines:,} lines, {count:,} particles; % of a core at 5,000 lines/s", args.out)


if __name__ == "__main__":
    main()
