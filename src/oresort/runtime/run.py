"""The command `sort`: everything is looked at before anything is written, and the table before the picture."""

from pathlib import Path

from oresort.console.progress import advancing
from oresort.runtime.belt import SortedBelt, sort_belt
from oresort.runtime.model import Model
from oresort.runtime.report import show_sorted
from oresort.runtime.settings import SortConfig, belts_of, cutting, is_stream
from oresort.runtime.sorter import Sorter
from oresort.runtime.stream.deciding import Deciding
from oresort.runtime.stream.run import sort_stream
from oresort.runtime.write import write_sorted
from oresort.scan.calibrate.belt import calibrate_belt
from oresort.scan.calibrate.calibration import load_calibration
from oresort.scan.draw.preview import MOST_PIXELS, Preview
from oresort.sorting.policy import Policy
from oresort.sorting.probability import check_threshold

_PICTURES = 25 * MOST_PIXELS  # of all pictures together, a byte each: they wait until the table is written


def sort(cfg: SortConfig, model: Model) -> list[SortedBelt] | Deciding:
    """Sort scans as `sort_scans`, or what comes while it is sorted as `sort_stream`."""
    return sort_stream(cfg, model) if is_stream(cfg) else sort_scans(cfg, model)


def sort_scans(cfg: SortConfig, model: Model) -> list[SortedBelt]:
    """Sort scans by `model`, write table, provenance and pictures into `cfg.out`, and print what was decided.

    Raises:
        InputError: what the scans or an argument has wrong; nothing is written then.
    """
    cut, policy = cutting(cfg, model), Policy.of(cfg)
    threshold = check_threshold(model.threshold if cfg.threshold is None else cfg.threshold)
    given = load_calibration(Path(cfg.calibration)) if cfg.calibration else None
    files = belts_of(cfg)
    belts = []
    with advancing(sum(belt.height for belt in files), "sorting lines") as advance:
        for belt in files:
            calibration, notes = calibrate_belt(belt, given, needed=cut.crops == "registered")
            most = min(MOST_PIXELS, _PICTURES // len(files))
            preview = Preview(belt.height, calibration, most) if cfg.overlay else None
            belts.append(SortedBelt(belt, calibration, notes, given is not None, preview))
            sort_belt(belts[-1], Sorter(model, calibration, policy, threshold, cut), advance)
    written = write_sorted(cfg, model, cut, threshold, belts)
    show_sorted(cfg, model, threshold, belts)
    print(f"written: {', '.join(map(str, written))}")
    return belts
