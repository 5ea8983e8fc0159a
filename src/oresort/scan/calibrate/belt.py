"""One calibration for consecutive scans of a belt."""

from dataclasses import replace

from oresort.errors import InputError
from oresort.files.belt import BeltFiles
from oresort.files.lines import PairReader
from oresort.scan.calibrate.adjust import adjust_calibration
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.measure import calibrate_scan

_DRIFT = 0.03  # of the first scan's air: what a tube drifts by in a shift


def calibrate_belt(belt: BeltFiles, given: Calibration | None, *, needed: bool) -> tuple[Calibration, list[str]]:
    """Return a belt's calibration, and what looks wrong with it or with one of its scans, one line each.

    It is that of the first scan, or the one `given` at that scan's level of air. Where registration is `needed` and the
    first scan has too few particles for it, that of the first scan with enough is taken. Every other scan must fit.

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
    for scan in others:
        with PairReader(scan.low, scan.high) as reader:
            if needed and calibration.registration is None:
                found = calibrate_scan(reader, needed=False)
                calibration = replace(calibration, registration=found.registration)
            today = adjust_calibration(reader, calibration)
        for layer in ("low", "high"):
            share = getattr(today, layer).level / getattr(calibration, layer).level
            if abs(share - 1) > _DRIFT:
                notes.append(f"{scan.name}: air of the {layer} layer is {share:.2f} of that of {first.name}")
        notes += [f"{scan.name}: {note}" for note in today.notes]
    if needed and calibration.registration is None:
        raise InputError(
            f"{belt.name}: too few particles to register the layers by; give calibration=FILE with a registration"
        )
    return calibration, notes
