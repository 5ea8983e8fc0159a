"""A belt with known particles, its calibration, and a model that needs no training: what streams are tested with."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scan.ellipses import scan_of

from oresort.console.compose import composed
from oresort.files.dataset import Cutting
from oresort.files.image import write_pair
from oresort.files.lines import PairReader
from oresort.runtime.settings import SortConfig
from oresort.runtime.sorter import Sorter
from oresort.runtime.source import protocol
from oresort.scan.calibrate.calibration import Calibration, load_calibration, save_calibration
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.sorting.decision import Decision
from oresort.sorting.drift import pair_figures
from oresort.sorting.lot import Lot
from oresort.sorting.point import Point

WIDTH, HEIGHT = 320, 900
Lines = tuple[NDArray[np.uint16], NDArray[np.uint16]]


@dataclass
class Rule:
    """Ore is what attenuates much: a logistic rule of the mean of l, which answers its n-th call after `pauses[n]`."""

    cut: Cutting = field(default_factory=Cutting)
    pauses: Mapping[int, float] = field(default_factory=dict)  # seconds
    calls: int = 0
    file: Path = Path("rule")
    threshold: float = 0.5
    seen: Mapping[str, Any] = field(default_factory=dict)
    known: Lot | None = None
    band: float = 0.0

    @property
    def point(self) -> Point:
        return Point(self.threshold, band=self.band)

    @property
    def digest(self) -> str:
        return hashlib.sha256(b"rule").hexdigest()

    def describe(self) -> dict[str, Any]:
        return {"file": "rule", "sha256": self.digest}

    def __call__(self, lows: Sequence[Any], highs: Sequence[Any], air: float, background: str) -> NDArray[np.float32]:
        time.sleep(self.pauses.get(self.calls, 0.0))
        self.calls += 1
        means = [pair_figures(low, high, air, background).low_mean for low, high in zip(lows, highs, strict=True)]
        return (1 / (1 + np.exp(-60 * (np.array(means) - 0.825)))).astype(np.float32)


@cache
def belt() -> Lines:
    """Both layers of 900 lines with some thirty particles, on 320 columns of which 10 at either side see no belt."""
    rng = np.random.default_rng(5)
    places = [(40 + 48 * (k % 6), 45 + 82 * (k // 6)) for k in range(60) if k % 6 < 5 or k % 4]
    ellipses = [
        (x + rng.uniform(-6, 6), y + rng.uniform(-20, 20), rng.uniform(12, 17), rng.uniform(10, 15))
        for x, y in places
        if y < HEIGHT - 30
    ]
    peaks = 1.4, 0.9
    low, high = (
        scan_of(ellipses, HEIGHT, WIDTH, peak=peak, seed=seed, beside=10) for seed, peak in enumerate(peaks, start=3)
    )
    return low, high


@cache
def calibration(folder: Path) -> Calibration:
    """Calibration of that belt, as it is in `folder / "cal.json"` from then on."""
    write_pair(folder / "scan", *belt())
    with PairReader(folder / "scan" / "low.tiff", folder / "scan" / "high.tiff") as reader:
        save_calibration(folder / "cal.json", calibrate_scan(reader))
    return load_calibration(folder / "cal.json")


def settings(out: Path, *words: str) -> SortConfig:
    """Return the configuration of `sort` with some words."""
    return composed("sort", SortConfig, "ckpt=rule", f"out={out}", *words)


def directly(lines: Lines, known: Calibration) -> list[Decision]:
    """Decide on lines without any stream."""
    sorter = Sorter(Rule(), known)
    return [*sorter.push(*lines), *sorter.finish()]


def frames(lines: Lines, count: int = 32, first: int = 0, end: bool = True) -> Iterator[bytes]:
    """Yield the frames of some lines, `count` in each."""
    low, high = lines
    for start in range(0, len(low), count):
        part = slice(start, start + count)
        yield protocol.pack_frame(first + start, low[part], high[part])
    if end:
        yield protocol.pack_frame(first + len(low), low[:0], high[:0])


def sent(lines: Lines, count: int = 32, first: int = 0, end: bool = True) -> bytes:
    """Return all that a sender of some lines sends."""
    return protocol.pack_header(lines[0].shape[1]) + b"".join(frames(lines, count, first, end))


def table(out: Path) -> pd.DataFrame:
    """Return what was written, and check that ids go on without a hole."""
    found = pd.read_csv(out / "decisions.csv")
    assert found["id"].tolist() == list(range(1, len(found) + 1))
    return found


def boxes(rows: pd.DataFrame) -> list[tuple[int, ...]]:
    """Return the boxes of a table, in its order."""
    return list(rows[["x", "y", "w", "h"]].itertuples(index=False, name=None))


def boxes_of(decisions: Sequence[Decision], by: int = 0) -> list[tuple[int, ...]]:
    """Return the boxes of decisions, in their order, `by` lines later."""
    return [(p.x, p.y + by, p.w, p.h) for p in (row.particle for row in decisions)]


def events(out: Path, kind: str) -> list[str]:
    """Return what `log.txt` says of one kind of event."""
    lines = [line.split(" ", 2) for line in (out / "log.txt").read_text().splitlines()[1:]]
    return [line[2] for line in lines if line[1] == kind]


def port_of(out: Path, before: int = 0) -> int:
    """Return the port that a stream listens at, once it does, as one more than so many `before`."""
    for _ in range(600):
        if (out / "log.txt").is_file() and len(found := events(out, "listening")) > before:
            return int(found[-1].rpartition(":")[2])
        time.sleep(0.05)
    raise AssertionError("it listens nowhere")


def connected(port: int) -> socket.socket:
    """Return a connection to a stream."""
    return socket.create_connection(("127.0.0.1", port), timeout=20)


class Sending(threading.Thread):
    """Runs a sender's part beside a stream, and hands on what goes wrong in it."""

    def __init__(self, work: Any) -> None:
        super().__init__(daemon=True)
        self._work, self._error = work, list[BaseException]()
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error.append(error)

    def done(self) -> None:
        self.join(30)
        assert not self.is_alive()
        if self._error:
            raise self._error[0]
