"""Calibrate many scans of one sorter: each by itself, or those with few particles by all together."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from oresort.errors import InputError
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles
from oresort.scan.calibrate.adjust import adjust_calibration, apart
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.measure import Images, measure_scan, with_fit
from oresort.scan.calibrate.register import Fit, Seen, fit_registration

_ENOUGH = 60  # particles that pool to a registration; more would only fill memory


def calibrate_scans(
    scans: Sequence[ScanFiles],
    air: Images | None,
    dark: Images | None,
    *,
    pooled: bool,
    needed: bool,
    advance: Callable[[float], None],
) -> tuple[dict[ScanFiles, tuple[Calibration, str]], list[str]]:
    """Measure the columns of every scan of one sorter and fit how its layers overlie.

    Args:
        scans: what to calibrate.
        air: images of the bare belt, where taken.
        dark: images without X-rays, where taken.
        pooled: one registration for all; else only for scans that have too few particles for their own.
        needed: False leaves the registration unknown where there are too few particles even in all scans.
        advance: told of each scan done.

    Returns:
        By scan its calibration and the registration's origin (`scan`, `pooled` or `none`), and one line for
        each scan that cannot be calibrated.
    """
    problems: list[str] = []
    columns: dict[ScanFiles, Calibration] = {}
    pools: dict[int, list[Seen]] = {}  # by the scan's width: another width is another sorter
    for files in scans:
        try:
            with PairReader(files.low, files.high) as reader:
                calibration, sample = measure_scan(reader, air, dark)
            # also where one registration is for all: layers that differ must not go into it
            columns[files], fit = with_fit(calibration, sample, str(files.low))
        except InputError as error:
            problems.append(str(error))
        else:
            pool = pools.setdefault(calibration.width, [])
            if fit is not None and not fit.notes() and len(pool) < _ENOUGH:
                pool += [seen for seen in sample.seen if seen.single]
        advance(1)
    found: dict[ScanFiles, tuple[Calibration, str]] = {}
    common: dict[int, Fit | None] = {}
    for files, calibration in columns.items():
        if calibration.registration is not None and not pooled:
            found[files] = calibration, "scan"
            continue
        width = calibration.width
        if width not in common:
            common[width] = _common(pools[width], calibration.belt.stop - calibration.belt.start)
        fit, own = common[width], calibration.registration
        if fit is not None:
            moved = apart(fit.registration, own, calibration.belt) if own else ""
            notes = (*calibration.notes, *fit.notes(), *filter(None, [moved]))
            found[files] = replace(calibration, registration=fit.registration, notes=notes), "pooled"
        elif needed:
            problems.append(
                f"{files.low}: too few particles to register the layers by, even in all scans; give more scans of this "
                "sorter together, or calibration=FILE, or crops=released"
            )
        else:
            found[files] = calibration, "none"
    return found, problems


def use_calibration(
    scans: Sequence[ScanFiles], calibration: Calibration
) -> tuple[dict[ScanFiles, tuple[Calibration, str]], list[str]]:
    """Return the same as `calibrate_scans` where a calibration is given for all, with the origin `file`."""
    found: dict[ScanFiles, tuple[Calibration, str]] = {}
    problems: list[str] = []
    for files in scans:
        try:
            with PairReader(files.low, files.high) as reader:
                found[files] = adjust_calibration(reader, calibration), "file"
        except InputError as error:
            problems.append(str(error))
    return found, problems


def _common(pool: Sequence[Seen], width: int) -> Fit | None:
    try:
        fit = fit_registration(pool, width)
    except InputError:  # nothing in it
        return None
    return fit if fit.enough else None
