"""Calibrate many scans of one sorter: each by itself, or those with few particles by all together."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from oresort.errors import InputError
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.measure import Images, Sample, check_scan, fit_samples, measure_scan
from oresort.scan.calibrate.register import LayersDifferError, Registration

_ENOUGH = 60  # particles that pool to a registration; samples of more scans would only fill memory
_MOST = 16  # samples in memory at once


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
    fits: dict[ScanFiles, Registration] = {}
    samples: dict[int, list[Sample]] = {}  # by the scan's width: another width is another sorter
    for files in scans:
        try:
            with PairReader(files.low, files.high) as reader:
                calibration, sample = measure_scan(reader, air, dark)
            # also where one registration is for all: layers that differ must not go into it
            fit = _fit([sample])
            if isinstance(fit, LayersDifferError):
                raise InputError(f"{files.low}: {fit}")
        except InputError as error:
            problems.append(str(error))
        else:
            columns[files] = calibration
            kept = samples.setdefault(calibration.width, [])
            if len(kept) < _MOST and sum(len(other.particles) for other in kept) < _ENOUGH:
                kept.append(sample)
            if not pooled and isinstance(fit, Registration):
                fits[files] = fit
        advance(1)
    found: dict[ScanFiles, tuple[Calibration, str]] = {}
    lacking = {calibration.width for files, calibration in columns.items() if files not in fits}
    common = {width: _fit(samples[width]) for width in lacking}
    for files, calibration in columns.items():
        fit = fits.get(files) or common[calibration.width]
        if isinstance(fit, Registration):
            found[files] = replace(calibration, registration=fit), "scan" if files in fits else "pooled"
        elif needed:
            problems.append(f"{files.low}: {fit}, or calibration=FILE, or crops=released")
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
                check_scan(reader, calibration)
            found[files] = calibration, "file"
        except InputError as error:
            problems.append(str(error))
    return found, problems


def _fit(samples: Sequence[Sample]) -> Registration | InputError:
    try:
        return fit_samples(samples)
    except InputError as error:
        return error
