"""A long synthetic belt and who sends it: simulated pieces that follow each other, some with faults of the detector."""

import itertools
import runpy
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # studies lie outside the package

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from oresort.runtime.source.protocol import pack_frame, pack_header  # noqa: E402
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
