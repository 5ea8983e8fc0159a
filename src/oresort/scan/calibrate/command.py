"""What `calibrate` does: all scans of a folder measured, one calibration and its pictures written."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd

from oresort.console.command import REQUIRED
from oresort.console.progress import advancing
from oresort.console.ranges import number
from oresort.console.show import show
from oresort.console.threads import one_thread
from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.image import read_pair
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles, find_scans, reference_pair
from oresort.files.write import replacing
from oresort.scan.calibrate.calibration import Calibration, save_calibration
from oresort.scan.calibrate.many import calibrate_scans
from oresort.scan.calibrate.merge import merged
from oresort.scan.cut.cutter import Cutter
from oresort.scan.draw.calibration import draw_profiles, draw_registration
from oresort.scan.draw.page import save_png

_SHOWN = 1_200  # lines of the first scan whose particles are drawn


@dataclass
class CalibrateConfig:
    """Which scans to measure a sorter by; `conf/calibrate.yaml` explains each key."""

    scans: str = REQUIRED
    out: str = REQUIRED
    low: str = "{scan}_low"
    high: str = "{scan}_high"
    air: str | None = None
    dark: str | None = None
    sorter: str | None = None
    pixel: Annotated[float | None, number(0, 100, above=True)] = None
    overwrite: bool = False


def calibrate(cfg: CalibrateConfig) -> Calibration:
    """Measure all scans of a folder and write what they have in common; those that cannot be measured are reported.

    Raises:
        InputError: a key that is wrong, no scan that could be measured, scans of several sorters (nothing is written
            then), or, after everything is written, that some scans failed.
    """
    out = Path(cfg.out)
    if out.suffix != ".json":
        raise InputError(f"out={cfg.out}: must end with .json")
    if out.exists() and not (cfg.overwrite and out.is_file()):
        raise InputError(f"out={cfg.out}: is there already; name another file or say overwrite=true")
    scans, problems = find_scans(Path(cfg.scans), cfg.low, cfg.high)
    air, dark = (
        None if name is None else read_pair(*reference_pair(name, cfg.low, cfg.high)) for name in (cfg.air, cfg.dark)
    )
    one_thread()
    with advancing(len(scans), "measuring scans") as advance:
        found, failed = calibrate_scans(scans, air, dark, pooled=True, needed=False, advance=advance)
    failures = [*problems, *failed]
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    if not found:
        raise InputError(f"{cfg.scans}: no scan could be measured; mend what the lines above name")
    try:
        calibration = merged([calibration for calibration, _ in found.values()])
    except InputError as error:
        raise InputError(f"{cfg.scans}: {error}") from error
    calibration = replace(calibration, sorter=cfg.sorter, pixel=cfg.pixel)
    pictures = _write(out, calibration, next(iter(found)))
    _show(calibration, f"{cfg.scans}: {len(found)} scans")
    print(f"written: {out} (look at {', '.join(picture.name for picture in pictures)})")
    if failures:
        count = f"{len(failures)} of {len(failures) + len(found)} scans"
        raise InputError(f"{cfg.scans}: {count} failed; mend what the lines above name, it is written without them")
    return calibration


def _write(out: Path, calibration: Calibration, scan: ScanFiles) -> list[Path]:
    """Write file and pictures; return the pictures."""
    profiles, layers = out.with_suffix(".png"), out.with_name(f"{out.stem}-layers.png")
    try:
        save_calibration(out, calibration)
        with replacing(profiles) as part:
            save_png(draw_profiles(calibration, calibration.sorter or out.stem), part)
        if calibration.registration is None:
            return [profiles]
        with PairReader(scan.low, scan.high) as reader:
            low, high = (layer.read(0, _SHOWN) for layer in (reader.low, reader.high))
        cutter = Cutter(calibration, Cutting())
        particles = [cut.particle for cut in (*cutter.push(low, high), *cutter.finish())]
        if not particles:
            return [profiles]
        figure = draw_registration(
            low, high, particles, calibration.registration, calibration.low.level, calibration.high.level
        )
        with replacing(layers) as part:
            save_png(figure, part)
    except OSError as error:
        raise InputError(f"{out}: cannot be written ({error.strerror}); name another file") from error
    return [profiles, layers]


def _show(calibration: Calibration, title: str) -> None:
    """Print what was measured, and warnings."""
    belt = calibration.belt
    show(
        pd.DataFrame(
            {
                "layer": name,
                "air": f"{columns.level:.0f}",
                "noise of smoothed air, %": f"{100 * np.median(columns.noise[belt]):.2f}",
                "belt": f"{belt.start}-{belt.stop - 1} of {calibration.width}",
                "faulty columns": int(columns.dead.sum()),
            }
            for name, columns in (("low", calibration.low), ("high", calibration.high))
        ),
        title,
    )
    fit = calibration.registration
    if fit is not None:
        known = {"scale": f"{fit.scale:.5f}", "centre": f"{fit.centre:.0f}", "row offset": f"{fit.row_offset:.2f}"}
        known |= {"residual": f"{fit.residual:.4f}", "unregistered": f"{fit.unregistered:.4f}"}
        show(pd.DataFrame([known]), "how the layers overlie")
    else:
        few = "too few particles to register the layers by, so crops=registered is not possible; give more scans"
        print(f"warning: {few}", file=sys.stderr)
    for warning in (*calibration.faults(), *calibration.notes):
        print(f"warning: {warning}", file=sys.stderr)
