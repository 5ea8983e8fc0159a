"""One belt sorted: its particles cut as its lines come, and classified in batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oresort.files.belt import BeltFiles
from oresort.files.dataset import Cutting
from oresort.learn.checkpoint import BATCH, Classifier
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.crop import Cut
from oresort.scan.cut.cutter import AT_ONCE, Cutter
from oresort.scan.cut.summary import summary_row
from oresort.scan.draw.preview import Preview
from oresort.scan.fault import Fault
from oresort.sorting.drift import Compared, PairFigures, compare, pair_figures
from oresort.sorting.policy import Policy
from oresort.sorting.table import Decided

_NO_MASK = np.empty((0, 0), np.bool_)


@dataclass
class SortedBelt:
    """What was decided on a belt, by line and column, and what it looked like."""

    files: BeltFiles
    calibration: Calibration
    notes: list[str]  # what looked wrong when it was calibrated, one line each
    given: bool  # the calibration is from a file
    preview: Preview | None = None
    faults: list[Fault] = field(default_factory=list)  # lines count from the first of the belt
    lines: int = 0
    lines_lost: int = 0
    rows: list[Decided] = field(default_factory=list)
    figures: list[PairFigures] = field(default_factory=list)  # of each row

    @property
    def p_ore(self) -> NDArray[np.float32]:
        """Probabilities of ore (N,)."""
        return np.array([row.p_ore for row in self.rows], np.float32)

    @property
    def summary(self) -> dict[str, Any]:
        """What was found and how it was calibrated, see `summary_row`."""
        particles, origin = [row.particle for row in self.rows], "none"
        if self.calibration.registration is not None:
            origin = "file" if self.given else "scan"
        row = summary_row(self.files.name, self.lines, particles, len(particles), self.calibration, origin)
        return row | {"lines_lost": self.lines_lost}

    def faults_by_scan(self) -> list[tuple[str, Fault]]:
        """Return its faults, each with the scan in which it begins, from whose first line its lines then count."""
        found = []
        for fault in self.faults:
            scan = ""
            if fault.lines is not None:
                scan, start = self.files.place(fault.lines.start)
                fault = replace(fault, lines=slice(start, start + fault.lines.stop - fault.lines.start))
            found.append((scan, fault))
        return found

    def drift(self, seen: Mapping[str, Any]) -> list[Compared]:
        """Return its figures beside those of training, see `compare`."""
        return compare(seen, self.summary, self.figures, self.p_ore)


def sort_belt(
    belt: SortedBelt,
    cut: Cutting,
    classify: Classifier,
    policy: Policy,
    threshold: float,
    advance: Callable[[float], None],
) -> None:
    """Cut and classify a belt from its first line to its last, and fill its rows; `advance` is told of lines.

    Raises:
        InputError: as `Cutter`, a damaged file, or a model that answers with no probability.
    """
    cutter, waiting = Cutter(belt.calibration, cut), list[Cut]()
    for low, high in belt.files.read(AT_ONCE):
        if belt.preview:
            belt.preview.add(low)
        waiting += cutter.push(low, high)
        while len(waiting) >= BATCH:
            _classify(belt, cut.background, classify, waiting[:BATCH])
            del waiting[:BATCH]
        advance(len(low))
    waiting += cutter.finish()
    for start in range(0, len(waiting), BATCH):
        _classify(belt, cut.background, classify, waiting[start : start + BATCH])
    belt.faults, belt.lines, belt.lines_lost = cutter.faults, cutter.lines, cutter.lines_lost
    # particles came by their last lines
    order = sorted(range(len(belt.rows)), key=lambda i: (belt.rows[i].particle.y, belt.rows[i].particle.x))
    belt.rows, belt.figures = [belt.rows[i] for i in order], [belt.figures[i] for i in order]
    words, reasons = policy(belt.p_ore, threshold, [row.particle for row in belt.rows])
    decided = zip(belt.rows, words, reasons, strict=True)
    belt.rows = [row._replace(decision=word, reason=reason) for row, word, reason in decided]


def _classify(belt: SortedBelt, background: str, classify: Classifier, cuts: Sequence[Cut]) -> None:
    air = belt.calibration.low.level
    p_ore = classify([cut.low for cut in cuts], [cut.high for cut in cuts], air, background)
    for cut, p in zip(cuts, p_ore, strict=True):
        belt.figures.append(pair_figures(cut.low, cut.high, air, background))
        scan, y = belt.files.place(cut.particle.y)
        area = int(np.count_nonzero(cut.particle.mask))
        particle = replace(cut.particle, mask=_NO_MASK)  # so that memory hardly grows with what has gone by
        measured = (cut.mass_proxy, cut.low_mean, cut.high_mean)
        belt.rows.append(Decided(scan, particle, y, area, *measured, p, "", ""))
