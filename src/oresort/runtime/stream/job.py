"""One stream sorted, from its source to its files."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from oresort.console.signals import Asked
from oresort.errors import one_line
from oresort.runtime.observer import Observer
from oresort.runtime.source.event import Calibrated, Done, Log
from oresort.runtime.stream.cutting import Air, Begun, CutOff, Cutting
from oresort.runtime.stream.deciding import Deciding
from oresort.runtime.stream.loop import Decided, Loop, Sorted
from oresort.runtime.stream.record import Record
from oresort.runtime.stream.resume import Earlier, tell_lost
from oresort.runtime.stream.rows import Rows
from oresort.runtime.stream.writer import Writer
from oresort.scan.calibrate.calibration import save_calibration
from oresort.scan.fault import Fault

_RATES, _RECORD = 0.5, 10.0  # seconds between figures for those who look on, and between records on the disk
_AGAIN = 60.0  # seconds after which a fault of the detector that lasts is logged again
_FAULTS = 500  # of the detector that are known apart


class Job(NamedTuple):
    """Who does what."""

    loop: Loop
    cutting: Cutting
    deciding: Deciding
    rows: Rows
    writer: Writer
    record: Record
    log: Log
    observers: Sequence[Observer]
    seen: Mapping[str, Any]  # what the model's training scans looked like
    earlier: Earlier
    save: Path | None  # where the calibration is written to

    def run(self, asked: Asked) -> None:
        """Sort until the source ends, or a signal comes; whatever ends it, what was decided is on the disk.

        Raises:
            InputError: of the source or the cutter.
            OSError: of the disk.
            Interrupted: a second signal, which does not wait for the lines that came.
        """
        ended, watch = "by a defect", _Watch(self)
        try:
            watch.look("")
            with closing(self.loop.items()) as items:  # whatever happens, its threads end
                for item in items:
                    if item is not None:
                        self._handle(item, watch)
                    watch.tick()
            self.writer.add(self.rows.cut_off())
            ended = f"by signal {asked.code - 128}" if asked.code else "with its source"
        except KeyboardInterrupt:
            ended = "by a second signal, lines that waited are lost"
            raise
        except Exception as error:
            ended = f"by an error: {one_line(error)}"
            raise
        finally:
            self.log("end", f"ended {ended}; {self.writer.rows:,} decisions, {self.deciding.lines:,} lines")
            try:
                watch.look(ended)
            finally:
                for observer in self.observers:
                    observer.finished()
                self.writer.close()

    def _handle(self, item: Sorted, watch: "_Watch") -> None:
        if isinstance(item, Decided):
            self.writer.add(self.rows.take(self.deciding.take(*item), item.worked.settled))
        elif isinstance(item, Begun):
            if not watch.begun:
                tell_lost(self.earlier, item.piece, self.log)
            watch.begun = True
            self.record.begin(item)
            self.writer.add(self.rows.begin(item))
        elif isinstance(item, Done):
            self.writer.add(self.rows.done(item))
        elif isinstance(item, CutOff):
            self.writer.add(self.rows.cut_off())
            for observer in self.observers:
                observer.cut_off()
        elif isinstance(item, Calibrated):
            self.record.calibrated = item
            for note in item.notes:
                self.log("note", note)
            if self.save:
                save_calibration(self.save, item.calibration)
        elif isinstance(item, Air):
            watch.take_air(item)
        else:
            watch.take_faults(item)


class _Watch:
    """What is looked at from time to time: rates, faults, drift, the record."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._rates = self._recorded = time.monotonic()
        self._named: dict[object, float] = {}  # faults, and when they were logged
        self._alarms: dict[str, str] = {}  # by figure
        self._air = Air({})
        self.begun = False

    def tick(self) -> None:
        """Do what it is time for."""
        now = time.monotonic()
        if now - self._rates >= _RATES:
            self._rates = now
            self._tell_rates()
        if now - self._recorded >= _RECORD:
            self._recorded = now
            self.look("")

    def look(self, ended: str) -> None:
        """Compare with training, and have the record written."""
        job = self._job
        record, deciding = job.record, job.deciding
        record.lines_lost = job.cutting.lines_lost
        record.drift = deciding.drift(job.seen, record.summary())
        alarms = {known.name: known.alarm for known in record.drift if known.alarm}
        for name in alarms.keys() - self._alarms.keys():
            job.log("drift", f"{alarms[name]}; look at the belt, or train on such scans")
        if faulty := deciding.faulty():
            alarms["faulty"] = record.strayed["faulty"] = faulty
            if "faulty" not in self._alarms:
                job.log("fault", faulty)
        if alarms != self._alarms:
            self._alarms = alarms
            self._tell_alarms()
        if ended:
            self._tell_rates()
        job.writer.record(record.content(deciding, job.writer.rows, job.rows.state(), ended))

    def take_faults(self, faults: list[Fault]) -> None:
        """Log faults that are new, or last."""
        now = time.monotonic()
        self._job.record.faults = faults
        for fault in faults:
            place = None if fault.columns is None else (fault.columns.start, fault.columns.stop)
            kind = fault.layer, fault.kind, place, fault.mended
            if not fault.mended and now - self._named.get(kind, -_AGAIN) >= _AGAIN:
                self._job.log("fault", f"{fault}; particles there are flagged faulty, see to the detector")
                self._named[kind] = now
        while len(self._named) > _FAULTS:
            self._named.pop(next(iter(self._named)))
        for observer in self._job.observers:
            observer.faults(faults)

    def take_air(self, air: Air) -> None:
        """Log what has strayed, or still does."""
        now = time.monotonic()
        for layer, words in air.words.items():
            self._job.record.strayed[layer] = words
            if now - self._named.get(layer, -_AGAIN) >= _AGAIN:
                self._job.log("fault", words)
                self._named[layer] = now
        self._air = air
        self._tell_alarms()

    def _tell_alarms(self) -> None:
        for observer in self._job.observers:
            observer.alarms([*self._alarms.values(), *self._air.words.values()])

    def _tell_rates(self) -> None:
        rates = self._job.deciding.meter.rates(self._job.loop.waiting)
        for observer in self._job.observers:
            observer.rates(rates)
