"""What a sorted belt gives, and how it shifts: told by `sort` of a belt without labels."""

import csv
import io
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from oresort.console.show import show
from oresort.files.growing import Growing
from oresort.files.write import replacing
from oresort.runtime.model import Model
from oresort.sorting.decision import Decision
from oresort.sorting.drift import PairFigures, compare
from oresort.sorting.expected import Expectation
from oresort.sorting.point import Point
from oresort.sorting.prices import Prices
from oresort.sorting.resample import LEVEL

_KEPT = 10_000  # rows of the log, the last ones
_LONGEST = 2_000  # particles in one of them
_TOGETHER = 256  # decisions
_AT_ONCE = 3  # scans that are open: particles at a border end in turns
_FEWEST = 20  # particles of a scan of which a row says how it looks
_GRADES = ("feed_grade", "product_grade", "tail_grade")

COLUMNS = ("scan", "line", "particles", "mass_yield", "ore", "p_ore_mean", *PairFigures._fields, "alarms")
"""Of `shift.csv`: `line` is that of the first particle, `ore` the share of particles kept; looks are medians."""

SHIFT, HEADING = "shift.csv", ",".join(COLUMNS)


class Told:
    """Takes decisions as they are made; memory does not grow with them beyond the last rows of the log.

    Args:
        model: that answers.
        point: at which it decides.
        words: what is said of that, see `words_of`.
        prices: of the plant; None: nothing is told of money.
    """

    def __init__(self, model: Model, point: Point, words: str, prices: Prices | None = None) -> None:
        self.grown: Growing | None = None  # `shift.csv` of a stream, open: rows go there as they are made
        self._model, self._point, self._words, self._prices = model, point, words, prices
        self._expected = Expectation(model.known, point.threshold, prices)
        self._rows = deque[list[object]](maxlen=_KEPT)
        self._waiting = list[Decision]()  # to be counted together, which costs less
        self._open = dict[str, list[Decision]]()  # by scan
        self._lines = dict[str, int]()  # of the first particle, by scan

    def add(self, scan: str, made: Decision, line: int) -> None:
        """Count a decision on a particle that begins at a `line` of a scan; its mask should be gone."""
        self._waiting.append(made)
        if len(self._waiting) >= _TOGETHER:
            self._count()
        if scan not in self._open and len(self._open) >= _AT_ONCE:
            self._close(next(iter(self._open)))
        rows = self._open.setdefault(scan, [])
        self._lines.setdefault(scan, line)
        rows.append(made)
        if len(rows) >= _LONGEST:
            self._close(scan)

    def record(self) -> dict[str, Any]:
        """Return what a record says of it, in plain values."""
        self._count()
        figures = self._expected.figures()
        return {
            "operating_point": {**self._point.plain(), "words": self._words},
            "expected": {name: known._asdict() for name, known in figures.found.items()},
            "expected_left_out": figures.left_out,
            "unanswered": self._expected.unanswered,
            "prices": self._prices and self._prices.plain(),
        }

    def finish(self) -> None:
        """Make the rows of scans that are open: nothing more comes of them."""
        for scan in list(self._open):
            self._close(scan)

    def write(self, folder: Path) -> Path:
        """Write `shift.csv`, a row for each scan, and return its path; OSError as the disk has it."""
        self.finish()
        with replacing(folder / SHIFT) as part:
            part.write_text(f"{HEADING}\n{_text(self._rows)}", encoding="utf-8")
        return folder / SHIFT

    def show(self) -> None:
        """Print what the belt gives to stdout."""
        self._count()
        figures = self._expected.figures()
        rows = []
        for name, known in figures.found.items():
            digits, size = (4, 1) if name in _GRADES else (2, 1) if name == "gain" else (1, 100)
            value, *ends = (f"{size * number:.{digits}f}" for number in known)
            between = "" if np.isnan(known.low) else f"{ends[0]} to {ends[1]}"
            if name == "gain" and self._prices is not None:
                name = f"gain over no sorting, {self._prices.currency} per tonne of feed"
            rows.append({"expected": name, "": value, f"{LEVEL:.0%} over validation scans": between})
        if rows:
            show(
                pd.DataFrame(rows),
                "what this belt gives if it is as the validation scans were (shares and grades in %)",
            )
        for why in dict.fromkeys(figures.left_out.values()):
            names = ", ".join(name for name, own in figures.left_out.items() if own == why)
            print(f"left out: {names}: {why}")
        if self._expected.unanswered:
            print(f"{self._expected.unanswered:,} particles without an answer count for the mass yield alone")
        print(self._words)

    def _count(self) -> None:
        rows, self._waiting = self._waiting, []
        p_ore = np.array([row.p_ore for row in rows], np.float32)
        mass = np.array([row.mass_proxy for row in rows], np.float64)
        self._expected.add(p_ore, mass, np.array([row.decision == "ore" for row in rows], np.bool_))

    def _close(self, scan: str) -> None:
        """Write down how the particles of a scan looked."""
        rows, line = self._open.pop(scan), self._lines.pop(scan)
        p_ore = np.array([row.p_ore for row in rows], np.float32)
        mass = np.array([row.mass_proxy for row in rows], np.float64).clip(0)
        kept = np.array([row.decision == "ore" for row in rows])
        looks = np.array([row.figures for row in rows], np.float64)  # (N, 6)
        some = np.isfinite(looks).all(axis=1) & np.isfinite(p_ore)
        medians: list[object] = [""] * looks.shape[1]
        alarms = ""
        if some.sum() >= _FEWEST:
            medians = [f"{value:.5g}" for value in np.median(looks[some], axis=0)]
            own = [row.figures for row, known in zip(rows, some, strict=True) if known]
            alarms = "; ".join(known.alarm for known in compare(self._model.seen, {}, own, p_ore[some]) if known.alarm)
        whole = float(np.nansum(mass))
        mass_yield = f"{np.nansum(mass[kept]) / whole:.4f}" if whole > 0 else ""
        mean = f"{p_ore[some].mean():.4f}" if some.any() else ""
        row = [scan, line, len(rows), mass_yield, f"{kept.mean():.4f}", mean, *medians, alarms]
        if self.grown is None:
            self._rows.append(row)
        else:
            self.grown.add(_text([row]))


def _text(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
