"""What the page shows, gathered from the thread that sorts and made small: memory and work are bounded."""

import base64
import json
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.runtime.observer import Rates
from oresort.scan.fault import Fault
from oresort.sorting.decision import Decision

STEP = 8  # lines and columns of the scan in one pixel of the page
_MOST_ROWS, _MOST_BOXES = 512, 1_000  # that wait for the next message; of more only the newest
_SHOWN = 6  # faults and alarms by name


class Live:
    """An observer whose messages are what has come since the last one; while nobody looks it only counts.

    Args:
        name: of what is sorted, for the heading.
        ejectors: tells the figures of the nozzles, where there are any.
    """

    def __init__(self, name: str, ejectors: Callable[[], Mapping[str, Any]] | None = None) -> None:
        self.watched = False  # set where somebody looks
        self._name, self._ejectors = name, ejectors
        self._lock = threading.Lock()  # held for as long as it takes to move a few references
        self._line = self._width = 0
        self._rows = deque[tuple[int, NDArray[np.uint8]]](maxlen=_MOST_ROWS)  # first line and picture (n, W / STEP)
        self._boxes = deque[list[Any]](maxlen=_MOST_BOXES)
        self._state: dict[str, Any] = {"name": name, "step": STEP, "finished": False, "faults": [], "alarms": []}
        self._state |= {"bad": 0, "mended": 0, "rates": None, "ejectors": None}

    def lines(self, low: NDArray[np.uint16]) -> None:
        """Take one line in `STEP`, averaged along it; the high byte of its counts is grey enough."""
        first, self._line, self._width = self._line, self._line + len(low), low.shape[1]
        picked = low[-first % STEP :: STEP]  # (n, W)
        if self.watched and len(picked):
            small = cv2.resize(picked, (self._width // STEP, len(picked)), interpolation=cv2.INTER_AREA)
            grey = (np.asarray(small, np.uint16) >> 8).astype(np.uint8)  # (n, W / STEP)
            with self._lock:
                self._rows.append((first + -first % STEP, grey))

    def decided(self, decisions: Sequence[Decision], line: int) -> None:
        """Take boxes with what was decided."""
        if self.watched:
            boxes = [_box(made) for made in decisions]
            with self._lock:
                self._boxes.extend(boxes)

    def cut_off(self) -> None:
        """Not shown: the next lines follow."""

    def faults(self, faults: Sequence[Fault]) -> None:
        """Take the newest that could not be mended by name, and all by number."""
        bad = [fault for fault in faults if not fault.mended]
        newest = sorted(bad, key=lambda fault: fault.lines.start if fault.lines else -1)[-_SHOWN:]
        found = {
            "faults": [str(fault) for fault in reversed(newest)],
            "bad": len(bad),
            "mended": len(faults) - len(bad),
        }
        with self._lock:
            self._state |= found

    def alarms(self, alarms: Sequence[str]) -> None:
        """Take the alarms that hold."""
        with self._lock:
            self._state["alarms"] = list(alarms[:_SHOWN])

    def rates(self, rates: Rates) -> None:
        """Take how it goes; what is not known is null."""
        known = {
            name: value if math.isfinite(value) else None for name, value in zip(rates._fields, rates, strict=True)
        }
        with self._lock:
            self._state["rates"] = known

    def finished(self) -> None:
        """The last message says so."""
        with self._lock:
            self._state["finished"] = True

    def message(self) -> bytes:
        """Return what has come since the last message, and the state: one line of JSON."""
        with self._lock:
            rows, boxes, state = list(self._rows), list(self._boxes), dict(self._state)
            self._rows.clear()
            self._boxes.clear()
        if self._ejectors:
            state["ejectors"] = self._ejectors()
        state["line"] = self._line
        strips = [
            {"line": line, "width": grey.shape[1], "data": base64.b64encode(grey.tobytes()).decode()}
            for line, grey in _joined(rows)
        ]
        return json.dumps({**state, "strips": strips, "boxes": boxes}, allow_nan=False, separators=(",", ":")).encode()


def _box(made: Decision) -> list[Any]:
    particle = made.particle
    flag = next((flag for flag in ("faulty", "clipped", "touching") if getattr(particle, flag)), "")
    p = float(made.p_ore)
    probability = round(p, 3) if math.isfinite(p) else None
    return [particle.x, particle.y, particle.w, particle.h, made.decision, probability, made.reason, flag]


def _joined(rows: Sequence[tuple[int, NDArray[np.uint8]]]) -> list[tuple[int, NDArray[np.uint8]]]:
    """Return pictures of some lines, those that follow each other as one."""
    found: list[tuple[int, list[NDArray[np.uint8]]]] = []
    end = -1
    for line, grey in rows:
        if line == end and found[-1][1][0].shape[1] == grey.shape[1]:
            found[-1][1].append(grey)
        else:
            found.append((line, [grey]))
        end = line + STEP * len(grey)
    return [(line, np.concatenate(parts)) for line, parts in found]
