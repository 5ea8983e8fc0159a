"""Write what was cut out of a scan: crops, rows of the manifest, calibration and picture."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.image import write_pair
from oresort.files.layout import MANIFEST_COLUMNS, pair_row
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles
from oresort.scan.calibrate.calibration import Calibration, save_calibration
from oresort.scan.cut.assays import match_assay
from oresort.scan.cut.crop import Cut
from oresort.scan.cut.cutter import AT_ONCE, Cutter
from oresort.scan.draw.flags import draw_flags
from oresort.scan.draw.page import save_png
from oresort.scan.draw.preview import Preview
from oresort.scan.fault import Fault
from oresort.scan.segment.particle import FLAGS, Particle

_COLUMNS = [*MANIFEST_COLUMNS, *FLAGS, "area", "mass_proxy"]  # area in pixels; the sum of attenuation

_WAITING = 64  # crops that may wait for the disk, so that memory stays bounded


class Exported(NamedTuple):
    """What was found on one scan."""

    rows: pd.DataFrame  # of the manifest, by y and x
    particles: list[Particle]  # all, also those that are dropped
    faults: list[Fault]
    lines_lost: int


@dataclass(frozen=True)
class Exporter:
    """Cuts scans and writes their crops, `calibration/<scan>.json` and `overlays/<scan>.png` below `out`."""

    out: Path
    options: Cutting
    label: str | None  # of all particles; None takes it from the scan's folder, else from its assays by `cutoff`
    cutoff: float  # ore from this grade on, wt % Cu
    drop: Sequence[str]  # flags whose particles are left out of the manifest, though not of the picture
    overlay: bool  # False draws no picture

    def export(
        self,
        files: ScanFiles,
        reader: PairReader,
        calibration: Calibration,
        batch: str,
        assays: pd.DataFrame | None,
        advance: Callable[[float], None],
    ) -> Exported:
        """Cut one scan; `assays` are of `load_assays`; `advance` is told what share of the lines was read.

        Raises:
            InputError: as `Cutter`, or a damaged file; nothing of this scan is left then.
            OSError: the disk is full or not writable.
        """
        cutter, preview = Cutter(calibration, self.options), Preview(reader.height, calibration)
        particles: list[Particle] = []
        rows: dict[str, dict[str, object]] = {}
        known = {"air": round(calibration.low.level, 1), "background": self.options.background}
        try:
            with _writing() as write:
                for cut in self._cuts(reader, cutter, preview, advance):
                    particles.append(cut.particle)
                    if any(getattr(cut.particle, flag) for flag in self.drop):
                        continue
                    grade, mass = match_assay(assays, cut.particle)
                    label = self._label(files, grade)
                    while (row := _row(label, batch, files.name, cut.particle))["id"] in rows:
                        # parts of one region may share a box, never a name
                        cut = _widened(cut, calibration, self.options)
                    name = str(row["id"])
                    write(self.out / name, cut)
                    own = {"grade": grade, "mass": mass, "mass_proxy": round(cut.mass_proxy, 2)}
                    rows[name] = row | own | known
        except InputError:  # by now the writing thread has ended: nothing is written after it is removed
            for folder in (self.out / name for name in rows):
                if folder.exists():  # not where writing failed as well
                    shutil.rmtree(folder)
                if folder.parent.exists() and not any(folder.parent.iterdir()):
                    folder.parent.rmdir()
            raise
        save_calibration(self.out / "calibration" / f"{files.name}.json", calibration)
        if self.overlay:
            (self.out / "overlays").mkdir(exist_ok=True)
            save_png(draw_flags(preview, particles, files.name), self.out / "overlays" / f"{files.name}.png")
        # they came by their last lines
        table = pd.DataFrame(rows.values(), columns=_COLUMNS).sort_values(["y", "x"], ignore_index=True)
        return Exported(table, particles, cutter.faults, cutter.lines_lost)

    def _cuts(
        self, reader: PairReader, cutter: Cutter, preview: Preview, advance: Callable[[float], None]
    ) -> Iterator[Cut]:
        for low, high in reader.ahead(AT_ONCE):
            if self.overlay:
                preview.add(low)
            yield from cutter.push(low, high)
            advance(len(low) / reader.height)
        yield from cutter.finish()

    def _label(self, files: ScanFiles, grade: float) -> str:
        by_grade = "" if np.isnan(grade) else "ore" if grade >= self.cutoff else "waste"
        return self.label or files.label or by_grade


@contextmanager
def _writing() -> Iterator[Callable[[Path, Cut], None]]:
    """Yield a function that writes crops in a thread of its own, a few at most behind."""
    waiting: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:

        def write(folder: Path, cut: Cut) -> None:
            waiting.append(pool.submit(write_pair, folder, cut.low, cut.high))
            if len(waiting) > _WAITING:
                waiting.pop(0).result()  # also raises here what went wrong there, such as a full disk

        yield write
        for future in waiting:
            future.result()


def _row(label: str, batch: str, scan: str, particle: Particle) -> dict[str, object]:
    row = pair_row(label, batch, scan, (particle.x, particle.y, particle.w, particle.h))
    flags = {flag: int(getattr(particle, flag)) for flag in FLAGS}
    return row | flags | {"split": "", "area": int(particle.mask.sum())}


def _widened(cut: Cut, calibration: Calibration, options: Cutting) -> Cut:
    """Return the cut with one more column of background on its right: 0, or air."""
    wider = ((0, 0), (0, 1))
    levels = calibration.low.level, (calibration.low if options.correct else calibration.high).level
    low, high = (
        np.pad(crop, wider, constant_values=round(level) if options.background == "air" else 0)
        for crop, level in zip((cut.low, cut.high), levels, strict=True)
    )  # (h, w + 1) each
    particle = replace(cut.particle, w=cut.particle.w + 1, mask=np.pad(cut.particle.mask, wider))
    return cut._replace(particle=particle, low=low, high=high)
