"""The command `sort` on a stream: lines that are sent, or a folder that grows."""

import gc
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from oresort.console.show import show
from oresort.console.signals import asked_to_stop
from oresort.console.threads import one_thread
from oresort.errors import InputError, Interrupted, of_the_disk
from oresort.files.growing import Growing
from oresort.files.write import locked, write_json
from oresort.runtime.ejections import FILE, HEADING, Grown
from oresort.runtime.looking import Lookers
from oresort.runtime.model import Model
from oresort.runtime.point import sorting_point, words_of
from oresort.runtime.report import show_ejections
from oresort.runtime.settings import SortConfig, cutting, patterns
from oresort.runtime.sorter import Sorter
from oresort.runtime.source.first import calibrated
from oresort.runtime.source.folder import Folder
from oresort.runtime.source.patience import Patience
from oresort.runtime.source.pipe import Pipe
from oresort.runtime.source.port import Port
from oresort.runtime.stream.beside import Beside, Opening, workers_of
from oresort.runtime.stream.cutting import Cutting
from oresort.runtime.stream.deciding import Deciding
from oresort.runtime.stream.group import Lateness
from oresort.runtime.stream.job import Job
from oresort.runtime.stream.log import EventLog
from oresort.runtime.stream.loop import Loop
from oresort.runtime.stream.record import Record
from oresort.runtime.stream.resume import identity, look_back, open_table
from oresort.runtime.stream.rows import AtOnce, ByScan, Rows
from oresort.runtime.stream.screen import Screen
from oresort.runtime.stream.writer import Writer
from oresort.runtime.told import HEADING as SHIFT_HEADING
from oresort.runtime.told import SHIFT, Told
from oresort.scan.calibrate.calibration import Calibration, load_calibration
from oresort.scan.cut.cutter import load_libraries
from oresort.sorting.policy import Policy
from oresort.sorting.prices import load_prices


def sort_stream(cfg: SortConfig, model: Model, lookers: Lookers = Lookers()) -> Deciding:  # noqa: B008
    """Sort what comes until it ends, or a signal does, and put on disk in `cfg.out` what was decided as it is decided.

    Raises:
        InputError: what an argument has wrong, and then nothing was written; or what ended the stream.
        Interrupted: a signal ended it; all lines that had come are decided on.
    """
    cut, point = cutting(cfg, model), sorting_point(cfg, model)
    prices = load_prices(Path(cfg.prices)) if cfg.prices else None
    policy, threshold = Policy.of(cfg, point.band), point.threshold
    given = load_calibration(Path(cfg.calibration)) if cfg.calibration else None
    needed = cut.crops == "registered"
    if given is not None and needed and given.registration is None:
        raise InputError(f"{cfg.calibration}: does not know how the layers overlie; calibrate on more scans")
    if cfg.lines is not None and not cfg.first and given is None:
        raise InputError("first=0: nothing tells how lines are corrected; give calibration=FILE, or lines to measure")
    lookers.check(cfg.pixel or (given.pixel if given else None))
    out, wanted = Path(cfg.out), identity(cfg, model, point, lookers.ejecting)
    earlier = look_back(out, wanted)
    with ExitStack() as opened, asked_to_stop() as asked:
        screen = Screen()
        opened.callback(screen.finished)
        log = EventLog(screen.say)
        patience = Patience(asked.stop, cfg.stall, cfg.idle, log)
        late = None if cfg.deadline is None else Lateness(cfg.deadline / 1_000, cfg.late)
        opening = Opening(str(model.file), model.digest, policy, threshold, cut, late)
        workers = [opened.enter_context(Beside(opening)) for _ in range(workers_of(cfg.workers, model))]
        load_libraries()
        one_thread()
        gc.freeze()  # what is loaded is no garbage: looking for some in it would hold lines up for 65 ms
        for worker in workers:
            worker.ready()  # before anybody is asked for lines
        source: Folder | Pipe | Port
        if cfg.lines is None:
            source = Folder(Path(str(cfg.scans)), patterns(cfg), patience, log, earlier.scan)
        else:
            source = Pipe(patience, log) if cfg.lines == "-" else Port(cfg.lines, patience, log)
            opened.callback(source.close)
        told = Told(model, point, words_of(cfg, point), prices)
        deciding = Deciding((screen, *lookers.observers), told)
        record = Record(cfg, model, point, wanted, earlier, lookers.ejecting)
        rows: Rows = ByScan(earlier) if cfg.lines is None else AtOnce(earlier)
        try:
            out.mkdir(parents=True, exist_ok=True)
            opened.enter_context(locked(out, "wait for it, or name another folder"))
            opened.enter_context(log.to(out / "log.txt"))
            if not earlier.going_on:  # a table without its record would be nobody's
                write_json(out / "decisions.json", record.content(deciding, 0, rows.state(), ""))
            table = opened.enter_context(open_table(out, earlier, log))
            if isinstance(source, Folder):
                events = source.events(given, needed=needed, joined=cfg.joined)
            else:
                sent = source.events(given.width if given else None, earlier.belts + 1)
                events = calibrated(sent, cfg.first, given, f"lines={cfg.lines}", log, needed=needed)
            told.grown = opened.enter_context(Growing(out / SHIFT, SHIFT_HEADING))
            beside = [told.grown]
            if lookers.ejecting:
                beside.append(opened.enter_context(Growing(out / FILE, HEADING)))
                Grown(beside[-1], lookers.ejecting, table.rows)

            def begin(calibration: Calibration) -> Sorter:
                sorter = Sorter(model, calibration, policy, threshold, cut)
                lookers.check(cfg.pixel or calibration.pixel, sorter)
                return sorter

            cutting_up = Cutting(begin, earlier.over)
            loop = Loop(events, cutting_up, cfg.waiting, asked.stop, workers, late)
            deciding.came = lambda: loop.came
            job = Job(
                loop,
                cutting_up,
                deciding,
                rows,
                Writer(table, out / "decisions.json", cfg.pixel if cfg.pixel or not given else given.pixel, beside),
                record,
                log,
                (screen, *lookers.observers),
                model.seen,
                earlier,
                Path(cfg.save_calibration) if cfg.save_calibration else None,
            )
            try:
                job.run(asked)
            except InputError as error:
                if asked.code and record.calibrated is None:  # the lines that had come until then were too few for it
                    raise Interrupted(f"interrupted; {error}", asked.code) from error
                raise
            finally:
                lookers.finish()  # while their files are open
                told.finish()
        except OSError as error:
            raise of_the_disk(error) or error from error
    _show(cfg, job)
    told.show()
    if lookers.ejecting:
        show_ejections(lookers.ejecting.record())
        print(f"written: {out / FILE}")
    if asked.code:
        raise Interrupted(code=asked.code)
    return deciding


def _show(cfg: SortConfig, job: Job) -> None:
    """Print what was decided, and how late."""
    meter, counts, out = job.deciding.meter, job.deciding.counts, Path(cfg.out)
    table = [{"decided": word, "particles": count} for word, count in sorted(counts.items()) if count]
    source = cfg.scans if cfg.lines is None else f"lines={cfg.lines}"
    show(pd.DataFrame(table, columns=["decided", "particles"]), f"{source}: {meter.particles:,} particles")
    half, most = (meter.delays.within(share) for share in (0.5, 0.99))
    own = meter.computing.within(0.99)
    if half is not None and most is not None and own is not None:
        print(f"decided {1_000 * half:.0f} ms after a particle's last line, p99 {1_000 * most:.0f} ms", end=", ")
        print(f"of which the computer took p99 {1_000 * own:.0f} ms")
    print(f"{job.deciding.lines:,} lines, the source was held back {job.loop.held_back:,} times")
    print(f"written: {', '.join(str(out / name) for name in ('decisions.csv', 'decisions.json', SHIFT, 'log.txt'))}")
