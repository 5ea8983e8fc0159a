"""Write what was cut out of a scan: crops, rows of the manifest, calibration and picture."""

import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.dataset import Cutting
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles
from oresort.scan.calibrate.calibration import Calibration, save_calibration
from oresort.scan.cut.assays import match_known
from oresort.scan.cut.crop import Cut
from oresort.scan.cut.cutter import cut_scan
from oresort.scan.draw.flags import Preview, draw_flags, save_png
from oresort.scan.segment.particle import Particle

FLAGS = ("clipped", "touching", "parted")
"""Flags of a particle; `oresort.scan.segment.particle.Particle` says what each means."""

MANIFEST = [
    "id", "low", "high", "label", "scan", "batch", "x", "y", "w", "h", "split", "grade", "mass", "air",
    "background", *FLAGS, "area", "mass_proxy",
]  # fmt: skip
"""Columns of the manifest: those of every dataset, then flags, area (pixels) and the sum of attenuation."""

# one strip, LZW with horizontal differences: as the paper's sorter writes, without its strip for every line
_TIFF = [
    cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW, cv2.IMWRITE_TIFF_PREDICTOR, 2,
    cv2.IMWRITE_TIFF_ROWSPERSTRIP, 1 << 20,
]  # fmt: skip

_WAITING = 64  # crops that may wait for the disk, so that memory stays bounded


@dataclass(frozen=True)
class Labelling:
    """Where labels come from: `label` for all, else the scan's folder, else its table by a `cutoff` in wt % Cu."""

    label: str | None = None
    cutoff: float = 0.10

    def of(self, files: ScanFiles, grade: float) -> str:
        """Return `ore`, `waste`, or nothing where it is not known."""
        if self.label or files.label:
            return self.label or files.label
        return "" if np.isnan(grade) else "ore" if grade >= self.cutoff else "waste"


@dataclass
class _Writer:
    """Writes crops in a thread of its own, a few at most behind."""

    root: Path
    pool: ThreadPoolExecutor
    waiting: list[Future[None]] = field(default_factory=list)

    def put(self, name: str, cut: Cut) -> None:
        self.waiting.append(self.pool.submit(_write_crops, self.root / name, cut))
        if len(self.waiting) > _WAITING:
            self.waiting.pop(0).result()

    def finish(self) -> None:
        for future in self.waiting:
            future.result()


def export_scan(
    files: ScanFiles,
    reader: PairReader,
    calibration: Calibration,
    options: Cutting,
    labelling: Labelling,
    batch: str,
    known: pd.DataFrame | None,
    drop: tuple[str, ...],
    out: Path,
    advance: Callable[[float], None],
    overlay: bool = True,
) -> tuple[pd.DataFrame, list[Particle]]:
    """Cut a scan and write its crops, `calibration/<scan>.json` and `overlays/<scan>.png` below `out`.

    Args:
        files: the scan's name and folder's class.
        reader: the scan.
        calibration: of this scan.
        options: how particles are found and cut.
        labelling: where labels come from.
        batch: batch of the manifest.
        known: grades by place, of `load_known`.
        drop: flags whose particles are left out of the manifest, though not of the picture.
        out: the dataset's root; crops go to `<label>_<batch>/<scan>-x..-y..-w..-h../`.
        advance: told what share of the lines was read.
        overlay: False draws no picture.

    Returns:
        The manifest's rows, by y and x, and all particles found.

    Raises:
        InputError: as `cut_scan`; nothing of this scan is left then.
        OSError: the disk is full or not writable.
    """
    preview = Preview(reader.height, calibration.belt)

    def watch(start: int, transmission: NDArray[np.float32]) -> None:
        if overlay:
            preview.add(start, transmission)
        advance(len(transmission) / reader.height)

    particles: list[Particle] = []
    rows: dict[str, dict[str, Any]] = {}
    try:
        with ThreadPoolExecutor(1) as pool:
            writer = _Writer(out, pool)
            for cut in cut_scan(reader, calibration, options, watch):
                particles.append(cut.particle)
                if any(getattr(cut.particle, flag) for flag in drop):
                    continue
                grade, mass = np.nan, np.nan
                if known is not None:
                    grade, mass = match_known(known, [cut.particle])[["grade", "mass"]].iloc[0]
                label = labelling.of(files, grade)
                group = f"{label or 'unlabelled'}_{batch}"
                while (name := _name(group, files.name, cut.particle)) in rows:
                    # parts of one region may share a box, never a name
                    cut = _widened(cut, options.background)
                writer.put(name, cut)
                air = round(calibration.low.level, 1)
                origin = {"label": label, "scan": files.name, "batch": batch, "grade": grade, "mass": mass}
                rows[name] = _row(name, cut) | origin | {"air": air, "background": options.background}
            writer.finish()
    except InputError:
        for name in rows:
            shutil.rmtree(out / name)
            if not any((out / name).parent.iterdir()):
                (out / name).parent.rmdir()
        raise
    save_calibration(out / "calibration" / f"{files.name}.json", calibration)
    if overlay:
        (out / "overlays").mkdir(exist_ok=True)
        save_png(draw_flags(preview, particles, files.name), out / "overlays" / f"{files.name}.png")
    frame = pd.DataFrame(rows.values(), columns=MANIFEST).sort_values(["y", "x"], ignore_index=True)
    return frame, sorted(particles, key=lambda particle: (particle.y, particle.x))


def _row(name: str, cut: Cut) -> dict[str, Any]:
    particle = cut.particle
    return {
        "id": name, "low": f"{name}/low.tiff", "high": f"{name}/high.tiff", "split": "",
        "x": particle.x, "y": particle.y, "w": particle.w, "h": particle.h,
        **{flag: int(getattr(particle, flag)) for flag in FLAGS},
        "area": int(particle.mask.sum()), "mass_proxy": round(cut.mass_proxy, 2),
    }  # fmt: skip


def _name(group: str, scan: str, particle: Particle) -> str:
    return f"{group}/{scan}-x{particle.x}-y{particle.y}-w{particle.w}-h{particle.h}"


def _widened(cut: Cut, background: str) -> Cut:
    """Return the cut with one more column of background on its right."""
    wider = ((0, 0), (0, 1))
    mode: Literal["constant", "edge"] = "constant" if background == "zero" else "edge"
    low, high = (np.pad(crop, wider, mode=mode) for crop in (cut.low, cut.high))
    particle = replace(cut.particle, w=cut.particle.w + 1, mask=np.pad(cut.particle.mask, wider))
    return cut._replace(particle=particle, low=low, high=high)


def _write_crops(folder: Path, cut: Cut) -> None:
    folder.mkdir(parents=True)
    for name, crop in (("low", cut.low), ("high", cut.high)):
        done, data = cv2.imencode(".tiff", crop, _TIFF)
        if not done:
            raise OSError(f"{folder}: the crop could not be encoded")
        (folder / f"{name}.tiff").write_bytes(data.tobytes())
