"""Lines from a folder that grows: whole scans, in the order of their names."""

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from oresort.errors import InputError
from oresort.files.belt import BeltFiles, gap_in, natural
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles, list_scans
from oresort.runtime.source.event import Block, Calibrated, Done, Event, Gap, Log, Piece
from oresort.runtime.source.patience import Patience
from oresort.runtime.source.rewritten import Rewritten
from oresort.runtime.source.wire import EndedError
from oresort.scan.calibrate.belt import calibrate_belt, notes_on
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.cut.cutter import AT_ONCE

_LOOK = 0.3  # seconds between two looks into the folder
_STILL = 1.0  # seconds for which both files must not have changed


class Folder:
    """Yields the scans of a folder, each once it is whole; one that comes after its turn is named, and not sorted.

    A scan that cannot be read is taken for one that is being written. Once it has not changed for `patience.stall`
    seconds it is named, and passed over when a later one is there. One whose files are written anew after they were
    sorted is named. A folder that is gone is waited for.

    Args:
        root: the folder.
        patterns: names of the layers, as `find_scans` takes them.
        patience: how long it waits.
        log: takes events.
        after: name of the scan that an earlier process sorted last.

    Raises:
        InputError: no such folder, or patterns that name no layers.
    """

    def __init__(
        self, root: Path, patterns: tuple[str, str], patience: Patience, log: Log, after: str | None = None
    ) -> None:
        self._root, self._patterns, self._patience, self._log = root, patterns, patience, log
        self._last = after
        self._joints: list[tuple[str, str]] = []  # names of scans that were joined
        self._still: dict[Path, tuple[tuple[int, int], float]] = {}  # size and time of change, and since when it is so
        self._known: set[str] = set()  # scans that were sorted or passed over
        self._problems: dict[str, float] = {}  # by line, since when it is so; infinite once it was told
        self._sorted = Rewritten()
        scans, _ = list_scans(root, *patterns)
        if after is not None:
            self._known = {scan.name for scan in scans if natural(scan.name) <= natural(after)}

    def events(self, given: Calibration | None, *, needed: bool, joined: bool) -> Iterator[Event]:
        """Yield scans, joined as one belt with one calibration, or each with its own.

        Args:
            given: calibration of the sorter; None: measured on the first scan.
            needed: the registration is.
            joined: the scans are one belt.

        Raises:
            InputError: the first scan of a belt does not tell how its layers overlie.
        """
        calibration: Calibration | None = None
        recent: list[tuple[ScanFiles, int]] = []  # and their lines
        try:
            while True:
                scan, passed_over = self._next()
                if passed_over or not joined:
                    yield Gap()
                    recent = []
                fresh = not joined or calibration is None
                try:
                    files = BeltFiles.of([scan])
                    if fresh or calibration is None:
                        calibration, notes = calibrate_belt(files, given, needed=needed)
                        yield Calibrated(calibration, tuple(notes))
                        recent = []
                    recent = [*recent[-2:], (scan, files.height)]
                    if len(recent) > 1:
                        self._joints.append((recent[-2][0].name, scan.name))
                    near = BeltFiles(tuple(own for own, _ in recent), tuple(lines for _, lines in recent))
                    if between := gap_in(near):
                        self._log("gap", f"no scan between {between}; they are joined all the same")
                    yield from self._lines(scan, calibration, fresh)
                except InputError as error:
                    if calibration is None and joined:
                        raise
                    self._log("refused", f"{error}; the belt is cut there")
                    yield Done(scan.name)
                    yield Gap()
        except EndedError:
            return

    def _lines(self, scan: ScanFiles, calibration: Calibration, fresh: bool) -> Iterator[Event]:
        with PairReader(scan.low, scan.high) as reader:
            calibration.check_width(reader.width, str(scan.low))
            for note in () if fresh else notes_on(scan, reader, calibration, "the first scan"):
                self._log("note", note)
            yield Piece(scan.name, 0)
            for low, high in reader.ahead(AT_ONCE):
                self._patience.check(0.0)
                yield Block(low, high, time.perf_counter())
        yield Done(scan.name)

    def _next(self) -> tuple[ScanFiles, bool]:
        """Wait for the scan whose turn it is; return it whole, and whether another was passed over."""
        since, passed_over, named = time.perf_counter(), False, ""
        while True:
            waiting = self._waiting()
            unchanged = self._unchanged(waiting)
            scan, still = (waiting[0], unchanged[0]) if waiting else (None, 0.0)
            if scan is not None and still >= _STILL:
                if not (why := _damage(scan)):
                    self._known.add(scan.name)
                    self._last = scan.name
                    self._sorted.add(scan)
                    return scan, passed_over
                if still > self._patience.stall and waiting[1:]:
                    self._log("refused", f"{why}; passed over, {waiting[1].name} is there; the belt is cut")
                    self._known.add(scan.name)
                    self._last, passed_over, since = scan.name, True, time.perf_counter()
                elif still > self._patience.stall and named != scan.name:
                    self._log("stall", f"{why}; waiting for the rest of it")
                    named = scan.name
            # while something is still coming nobody is idle
            self._patience.check(min(time.perf_counter() - since, *unchanged, math.inf))
            self._patience.stop.wait(_LOOK)

    def _waiting(self) -> list[ScanFiles]:
        """Return the scans to come that have both files, in order; name those that came too late, and what is odd."""
        try:
            scans, problems = list_scans(self._root, *self._patterns)
        except InputError:
            if self._root.is_dir():
                raise
            scans, problems = [], [f"{self._root}: is not there; waiting for it"]
        for scan in self._sorted.look():
            why = "was written anew after it was sorted, and is not sorted again; give each scan a name of its own"
            self._log("refused", f"{scan.low}: {why}")
        now, order = time.perf_counter(), [scan for scan in scans if scan.name not in self._known]
        self._problems = {line: self._problems.get(line, now) for line in problems}
        for line, since in self._problems.items():
            if now - since > self._patience.stall:
                self._log("note", line)
                self._problems[line] = float("inf")
        for scan in order:
            if not scan.name.isprintable():
                self._log("refused", f"{scan.name!r}: no table takes such a name; rename its files")
                self._known.add(scan.name)
            elif self._last is not None and natural(scan.name) < natural(self._last):
                why = f"comes too late, {self._last} has had its turn; sort it by itself"
                self._log("refused", f"{scan.low}: {why}{self._joined_over(scan.name)}")
                self._known.add(scan.name)
        return sorted((scan for scan in order if scan.name not in self._known), key=lambda scan: natural(scan.name))

    def _joined_over(self, name: str) -> str:
        """Return what it means for its neighbours that a scan was missing when they were joined, or nothing."""
        for before, after in self._joints:
            if natural(before) < natural(name) < natural(after):
                return f"; {before} and {after} were joined without it, a particle on their border may be parts of two"
        return ""

    def _unchanged(self, scans: Sequence[ScanFiles]) -> list[float]:
        """Return the seconds for which nothing has changed about the files of each scan."""
        now, found, seconds = time.perf_counter(), {}, []
        for scan in scans:
            since = 0.0
            for file in (scan.low, scan.high):
                try:
                    state = file.stat()
                except OSError:
                    since = now  # renamed, or removed, in this moment
                    continue
                seen = (state.st_size, state.st_mtime_ns)
                before, kept = self._still.get(file, (seen, now))
                found[file] = (seen, kept if before == seen else now)
                since = max(since, found[file][1])
            seconds.append(now - since)
        self._still = found
        return seconds


def _damage(scan: ScanFiles) -> str:
    try:
        BeltFiles.of([scan])
    except InputError as error:
        return str(error)
    return ""
