"""The command `sort`: everything is looked at before anything is written, and the table before the picture."""

from pathlib import Path

import numpy as np

from oresort.console.progress import advancing
from oresort.learn.checkpoint import Classifier, device_named, load_trained
from oresort.learn.sort.belt import SortedBelt, sort_belt
from oresort.learn.sort.report import show_sorted
from oresort.learn.sort.settings import SortConfig, belts_of, cutting
from oresort.learn.sort.write import write_sorted
from oresort.scan.calibrate.belt import calibrate_belt
from oresort.scan.calibrate.calibration import load_calibration
from oresort.scan.draw.preview import MOST_PIXELS, Preview
from oresort.sorting.decide import decide
from oresort.sorting.policy import Policy

_PICTURES = 25 * MOST_PIXELS  # of all pictures together, a byte each: they wait until the table is written


def sort_scans(cfg: SortConfig) -> list[SortedBelt]:
    """Sort scans, write table, provenance and pictures into `cfg.out`, and print what was decided.

    Raises:
        InputError: what the checkpoint, the scans or an argument has wrong; nothing is written then.
    """
    trained = load_trained(cfg.ckpt)
    cut, policy = cutting(cfg, trained), Policy.of(cfg)
    threshold = trained.threshold if cfg.threshold is None else cfg.threshold
    decide(np.zeros(0), threshold)  # refuse a bad one at once
    classify = Classifier(trained, device_named(cfg.device))
    given = load_calibration(Path(cfg.calibration)) if cfg.calibration else None
    files = belts_of(cfg)
    belts = []
    with advancing(sum(belt.height for belt in files), "sorting lines") as advance:
        for belt in files:
            calibration, notes = calibrate_belt(belt, given, needed=cut.crops == "registered")
            most = min(MOST_PIXELS, _PICTURES // len(files))
            preview = Preview(belt.height, calibration, most) if cfg.overlay else None
            belts.append(SortedBelt(belt, calibration, notes, given is not None, preview))
            sort_belt(belts[-1], cut, classify, policy, threshold, advance)
    written = write_sorted(cfg, trained, cut, threshold, belts)
    show_sorted(cfg, trained, threshold, belts)
    print(f"written: {', '.join(map(str, written))}")
    return belts
