"""One calibration for consecutive scans of a belt."""

from dataclasses import replace

import numpy as np

from oresort.errors import InputError
from oresort.files.belt import BeltFiles
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles
from oresort.scan.calibrate.adjust import LEVELS, adjust_calibration
from oresort.scan.calibrate.air import level_of
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import Corrector
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.xray.transmission import FULL_SCALE, NOMINAL_AIR

_DRIFT = 0.03  # of the first scan's air: what a tube drifts by in a shift
_LOOKED_AT = 128  # lines of every scan of which the level is taken
_MEASURED = 4  # scans, evenly to the last, that are measured whole: each takes as long as sorting some thousand lines


def calibrate_belt(belt: BeltFiles, given: Calibration | None, *, needed: bool) -> tuple[Calibration, list[str]]:
    """Return a belt's calibration, and what looks wrong with it or with one of its scans, one line each.

    It is that of the first scan, or the one `given` at that scan's level of air. Where registration is `needed` and the
    first scan has too few particles for it, that of the first scan with enough is taken. Every other scan must have
    about the same air; up to four are measured whole, columns and layers, as line by line the cutter does with all.

    Raises:
        InputError: as `calibrate_scan` and `adjust_calibration`.
    """
    first, *others = belt.scans
    with PairReader(first.low, first.high) as reader:
        if given is not None:
            calibration = adjust_calibration(reader, given)
        else:
            calibration = calibrate_scan(reader, needed=needed and not others)
    notes = [f"{first.name}: {note}" for note in calibration.notes]
    measured = {others[i] for i in np.linspace(len(others) - 1, 0, min(_MEASURED, len(others))).astype(int)}
    for scan in others:
        with PairReader(scan.low, scan.high) as reader:
            if needed and calibration.registration is None:
                found = calibrate_scan(reader, needed=False)
                calibration = replace(calibration, registration=found.registration)
            notes += notes_on(scan, reader, calibration, first.name)
            if scan in measured:
                notes += [f"{scan.name}: {note}" for note in adjust_calibration(reader, calibration).notes]
    if needed and calibration.registration is None:
        raise InputError(
            f"{belt.name}: too few particles to register the layers by; give calibration=FILE with a registration"
        )
    return calibration, notes


def notes_on(scan: ScanFiles, reader: PairReader, calibration: Calibration, first: str) -> list[str]:
    """Return what a belt's later scan has other than its calibration, of the scan called `first`, one line each.

    Raises:
        InputError: its air is another tube setting's.
    """
    notes = []
    for layer, share in _levels(reader, calibration).items():
        if not LEVELS[0] <= share <= LEVELS[1]:
            raise InputError(
                f"{getattr(reader, layer).path}: its air is {share:.2f} of that of {first}; "
                "sort it by itself (joined=false)"
            )
        if abs(share - 1) > _DRIFT:
            notes.append(f"{scan.name}: air of the {layer} layer is {share:.2f} of that of {first}")
    return notes


def _levels(reader: PairReader, calibration: Calibration) -> dict[str, float]:
    """Return the air of both layers of a scan as shares of the calibration's."""
    found = {}
    starts = np.linspace(0, max(reader.height - _LOOKED_AT // 4, 0), 4).astype(int).tolist()
    for name in ("low", "high"):
        layer, correct = getattr(reader, name), Corrector([getattr(calibration, name)], calibration.belt)
        counts = np.concatenate([layer.read(start, start + _LOOKED_AT // 4)[:, calibration.belt] for start in starts])
        # over the columns: a detector that is not flat-fielded has no narrow peak of air
        flat = np.rint(correct(counts[:, None])[:, 0] * np.float32(NOMINAL_AIR)).clip(0, FULL_SCALE).astype(np.uint16)
        live = ~getattr(calibration, name).dead[calibration.belt]
        found[name] = level_of(flat[:, live], str(layer.path)) / NOMINAL_AIR
    return found
