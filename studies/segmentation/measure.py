"""What the chain from scan to particles makes of one simulated belt."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile

from oresort.belt.scan import Scan
from oresort.belt.sorter import AXIS, BELT
from oresort.files.dataset import Cutting
from oresort.files.lines import PairReader
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.measure import calibrate_scan
from oresort.scan.cut.cutter import cut_scan
from oresort.scan.segment.particle import Particle
from studies.segmentation.score import score

# what differs from the sorter as calibrated; `pressed` lets a tenth of a shadow lie on others
CONDITIONS: dict[str, dict[str, float]] = {
    "nominal": {},
    "140 kV": {"kvp": 140.0},
    "180 kV": {"kvp": 180.0},
    "half the quanta": {"exposure": 0.5},
    "little misregistration": {"scale": 1.005, "shift": 0.0},
    "much misregistration": {"scale": 1.011, "shift": 0.5},
    "pressed": {"overlap": 0.10},
}


def chain(scan: Scan, options: Cutting = Cutting()) -> tuple[Calibration, list[Particle]]:  # noqa: B008  # immutable
    """Run the whole chain on a simulated scan written to disk; it is told nothing of the simulation."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"scan_{layer}.tiff" for layer in ("low", "high")]
        for path, counts in zip(paths, (scan.low, scan.high), strict=True):
            tifffile.imwrite(path, counts, compression="lzw", predictor=True, rowsperstrip=1)
        with PairReader(paths[0], paths[1]) as reader:
            calibration = calibrate_scan(reader)
            return calibration, [cut.particle for cut in cut_scan(reader, calibration, options)]


def measure(scan: Scan) -> tuple[dict[str, Any], pd.DataFrame, list[Particle], Calibration]:
    """Return what the whole chain makes of a simulated scan: errors, the table of `score`, particles, calibration.

    Errors are of air (relative, worst layer) and registration (pixels, worst over the belt).
    """
    calibration, particles = chain(scan)
    fit = calibration.registration
    assert fit is not None  # `chain` registers
    settings = scan.settings
    columns = np.arange(*BELT)
    across = fit.scale * columns + fit.column_offset - (AXIS + settings.scale * (columns - AXIS))
    levels = calibration.low.level, calibration.high.level
    errors = {
        "air error": max(abs(level / air - 1) for level, air in zip(levels, settings.air, strict=True)),
        "registration error": max(float(np.abs(across).max()), abs(fit.row_offset - settings.shift)),
    }
    return errors, score(scan.labels, particles, calibration.belt), particles, calibration
