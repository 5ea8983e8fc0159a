"""The command `sort`: everything is looked at before anything is written, and the table before the picture."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from oresort.console.progress import advancing
from oresort.console.threads import one_thread
from oresort.files.belt import gap_in
from oresort.runtime.belt import SortedBelt, sort_belt
from oresort.runtime.ejections import Kept
from oresort.runtime.looking import Lookers, looking_on
from oresort.runtime.model import Model
from oresort.runtime.onnx import BUILTIN
from oresort.runtime.place import claimed
from oresort.runtime.point import sorting_point, words_of
from oresort.runtime.report import show_ejections, show_sorted
from oresort.runtime.settings import SortConfig, belts_of, cutting, is_stream
from oresort.runtime.sorter import Sorter
from oresort.runtime.stream.deciding import Deciding
from oresort.runtime.stream.run import sort_stream
from oresort.runtime.telling import Telling
from oresort.runtime.told import Told
from oresort.runtime.write import write_sorted
from oresort.scan.calibrate.belt import calibrate_belt
from oresort.scan.calibrate.calibration import load_calibration
from oresort.scan.cut.cutter import load_libraries
from oresort.scan.draw.preview import MOST_PIXELS, Preview
from oresort.sorting.policy import Policy
from oresort.sorting.prices import load_prices

_PICTURES = 25 * MOST_PIXELS  # of all pictures together, a byte each: they wait until the table is written


def sort(cfg: SortConfig, model: Model) -> list[SortedBelt] | Deciding:
    """Sort scans as `sort_scans`, or what comes while it is sorted as `sort_stream`."""
    if cfg.ckpt == BUILTIN:
        why = "trained on synthetic data, not for production; train on pairs of your own and export that model"
        print(f"warning: {BUILTIN}: {why}", file=sys.stderr)
    stream = is_stream(cfg)
    with looking_on(cfg) as lookers:
        return sort_stream(cfg, model, lookers) if stream else sort_scans(cfg, model, lookers)


def sort_scans(cfg: SortConfig, model: Model, lookers: Lookers = Lookers()) -> list[SortedBelt]:  # noqa: B008
    """Sort scans by `model`, write table, provenance and pictures into `cfg.out`, and print what was decided.

    Raises:
        InputError: what the scans or an argument has wrong, or a folder that is not for it; nothing is written then.
    """
    with claimed(Path(cfg.out)) as ready:
        return _sort_into(cfg, model, lookers, ready)


def _sort_into(cfg: SortConfig, model: Model, lookers: Lookers, ready: Callable[[], None]) -> list[SortedBelt]:
    load_libraries()
    one_thread()
    cut, point = cutting(cfg, model), sorting_point(cfg, model)
    prices = load_prices(Path(cfg.prices)) if cfg.prices else None
    policy, threshold = Policy.of(cfg, point.band), point.threshold
    given = load_calibration(Path(cfg.calibration)) if cfg.calibration else None
    files = belts_of(cfg)
    lookers.check(cfg.pixel or (given.pixel if given else None))
    kept = Kept(lookers.ejecting) if lookers.ejecting else None
    belts, telling = list[SortedBelt](), Telling(lookers.observers)
    with advancing(sum(belt.height for belt in files), "sorting lines") as advance:
        for belt in files:
            calibration, notes = calibrate_belt(belt, given, needed=cut.crops == "registered")
            if between := gap_in(belt):
                why = "they are joined all the same, joined=false keeps scans apart"
                notes = [f"{cfg.scans}: no scan between {between}; {why}", *notes]
            most = min(MOST_PIXELS, _PICTURES // len(files))
            preview = Preview(belt.height, calibration, most) if cfg.overlay else None
            belts.append(SortedBelt(belt, calibration, notes, given is not None, preview))
            sorter = Sorter(model, calibration, policy, threshold, cut)
            lookers.check(cfg.pixel or calibration.pixel, sorter)
            sort_belt(belts[-1], sorter, advance, telling, model.seen)
    if kept:
        kept.number(_ids(belts))
    figures = lookers.ejecting.record() if lookers.ejecting else None
    told = Told(model, point, words_of(cfg, point), prices)
    for row in (row for done in belts for row in done.placed()):
        told.add(row.scan, row.made, row.y)
    written = write_sorted(cfg, model, cut, threshold, belts, kept, figures, told, ready)
    show_sorted(cfg, model, threshold, belts)
    told.show()
    if figures is not None:
        show_ejections(figures)
    print(f"written: {', '.join(map(str, written))}")
    return belts


def _ids(belts: Sequence[SortedBelt]) -> list[int]:
    """Return the ids of the table's rows, in the order in which they were decided."""
    ids: list[int] = []
    for belt in belts:
        own = dict(zip(belt.order, range(len(ids) + 1, len(ids) + len(belt.order) + 1), strict=True))
        ids += [own[k] for k in range(len(own))]
    return ids
