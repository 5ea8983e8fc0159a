"""From raw scans to a dataset of particle pairs."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pandas as pd

from oresort.console.command import REQUIRED
from oresort.console.progress import advancing
from oresort.console.ranges import number, one_of, whole
from oresort.console.show import show
from oresort.console.threads import one_thread
from oresort.errors import InputError, one_line
from oresort.files.dataset import WORDS, Cutting, write_dataset
from oresort.files.image import read_pair
from oresort.files.layout import UNLABELLED, write_index
from oresort.files.lines import PairReader
from oresort.files.reading import present
from oresort.files.scans import ScanFiles, find_scans, reference_pair
from oresort.files.write import new_folder
from oresort.scan.calibrate.calibration import Calibration, load_calibration
from oresort.scan.calibrate.many import calibrate_scans, use_calibration
from oresort.scan.cut.assays import load_assays
from oresort.scan.cut.export import Exporter
from oresort.scan.cut.summary import statistics, summary_row, unlabelled_warning
from oresort.scan.draw.page import save_png
from oresort.scan.draw.summary import draw_summary
from oresort.scan.segment.particle import FLAGS
from oresort.scan.told import fault_cells, fault_lines

_SHOWN = (
    "scan",
    "lines",
    "lines_lost",
    "particles",
    "pairs",
    *FLAGS,
    "scale",
    "row_offset",
    "residual",
    "registration",
)


@dataclass
class PrepareConfig:
    """Which scans to prepare and how; `conf/prepare.yaml` explains each key."""

    scans: str = REQUIRED
    out: str = REQUIRED
    follow_links: bool = False
    low: str = "{scan}_low"
    high: str = "{scan}_high"
    crops: Annotated[str, one_of(*WORDS["crops"])] = Cutting.crops
    background: Annotated[str, one_of(*WORDS["background"])] = Cutting.background
    correct: bool = Cutting.correct
    mask: Annotated[str, one_of(*WORDS["mask"])] = Cutting.mask
    split: bool = Cutting.split
    convex: Annotated[float, number(0, 1, above=True)] = Cutting.convex
    neck: Annotated[float, number(0, 1, above=True)] = Cutting.neck
    min_area: Annotated[int, whole(1)] = Cutting.min_area
    drop: list[str] = field(default_factory=list)
    registration: Annotated[str, one_of("scan", "pooled")] = "scan"
    calibration: str | None = None
    air: str | None = None
    dark: str | None = None
    label: Annotated[str | None, one_of("ore", "waste")] = None
    batch: str | None = None
    table: str = "{scan}_truth"
    cutoff: Annotated[float, number(0, 100, above=True)] = 0.10
    overlay: bool = True
    overwrite: bool = False


class Prepared(NamedTuple):
    """What was written."""

    manifest: pd.DataFrame  # pairs with a label
    unlabelled: pd.DataFrame  # the same of pairs without one
    summary: pd.DataFrame  # one row per scan


def prepare(cfg: PrepareConfig) -> Prepared:
    """Prepare all scans of a folder; those that cannot be read are reported, and the others go on.

    Raises:
        InputError: a key that is wrong, nothing that could be prepared (nothing is written then), or, after
            everything else was written, that some scans failed.
    """
    options = _check(cfg)
    scans, problems = find_scans(Path(cfg.scans), cfg.low, cfg.high, follow_links=cfg.follow_links)
    one_thread()  # more would compete with the readers' as well
    with new_folder(Path(cfg.out), cfg.overwrite) as folder:
        calibrations, failed = _calibrations(cfg, scans)
        exporter = Exporter(folder, options, cfg.label, cfg.cutoff, cfg.drop, cfg.overlay)
        rows, summary, broken, warned = _export(cfg, exporter, calibrations)
        failures = [*problems, *failed, *broken]
        for line in (*warned, *(f"error: {failure}" for failure in failures)):
            print(line, file=sys.stderr)
        if not rows:
            raise InputError(f"{cfg.scans}: no scan could be prepared; mend what the lines above name")
        if not any(len(row) for row in rows):
            raise InputError(f"{cfg.scans}: no particle that is not dropped; give scans of a belt with particles")
        pairs, table = pd.concat(rows, ignore_index=True), pd.DataFrame(summary)
        labelled = pairs["label"] != ""
        manifest, unlabelled = (pairs[chosen].reset_index(drop=True) for chosen in (labelled, ~labelled))
        write_index(folder, manifest)
        if len(unlabelled):
            # apart, because a pair without a label would make the whole manifest useless for training
            unlabelled.to_csv(folder / UNLABELLED, index=False)
        table.to_csv(folder / "summary.csv", index=False)
        save_png(draw_summary(table, pairs), folder / "summary.png")
        write_dataset(folder, "oresort.prepare", options, scans=statistics(table))
    show(table[[name for name in _SHOWN if name in table]].fillna(""), f"{cfg.scans}: {len(pairs)} pairs")
    if len(unlabelled):
        print(unlabelled_warning(unlabelled, cfg.table), file=sys.stderr)
    pictures = "summary.png, overlays/" if cfg.overlay else "summary.png"
    print(f"written: {cfg.out} ({len(manifest)} labelled pairs in manifest.csv; look at {pictures})")
    if failures:
        count = f"{len(failures)} of {len(failures) + len(summary)} scans"
        raise InputError(f"{cfg.scans}: {count} failed; mend what the lines above name, the others are written")
    return Prepared(manifest, unlabelled, table)


def _check(cfg: PrepareConfig) -> Cutting:
    for flag in cfg.drop:
        if flag not in FLAGS:
            raise InputError(f"drop={flag}: unknown; known are {', '.join(FLAGS)}")
    if cfg.batch is not None and not re.fullmatch(r"[\w.-]+", cfg.batch):
        raise InputError(f"batch={cfg.batch}: becomes a folder's name; use letters, digits, '.', '_' and '-'")
    if cfg.table.count("{scan}") != 1 or "/" in cfg.table:
        raise InputError(f"table={cfg.table}: must hold {{scan}} once and no slash, as {{scan}}_truth")
    if Path(cfg.scans).resolve().is_relative_to(Path(cfg.out).resolve()):
        # overwrite=true would remove the raw scans
        raise InputError(f"out={cfg.out}: holds the scans; name another folder")
    if cfg.calibration and (cfg.air or cfg.dark):
        raise InputError("calibration=FILE says what air and dark are; leave out air= and dark=")
    return Cutting.of(cfg)


def _calibrations(
    cfg: PrepareConfig, scans: list[ScanFiles]
) -> tuple[dict[ScanFiles, tuple[Calibration, str]], list[str]]:
    """Return each usable scan's calibration and where its registration is from, and what is wrong with others."""
    if cfg.calibration:
        return use_calibration(scans, load_calibration(Path(cfg.calibration)))
    air, dark = (
        None if name is None else read_pair(*reference_pair(name, cfg.low, cfg.high)) for name in (cfg.air, cfg.dark)
    )
    with advancing(len(scans), "calibrating scans") as advance:
        pooled, needed = cfg.registration == "pooled", cfg.crops == "registered"
        return calibrate_scans(scans, air, dark, pooled=pooled, needed=needed, advance=advance)


def _export(
    cfg: PrepareConfig, exporter: Exporter, calibrations: dict[ScanFiles, tuple[Calibration, str]]
) -> tuple[list[pd.DataFrame], list[dict[str, Any]], list[str], list[str]]:
    """Return the manifest's and the summary's rows of each scan, what is wrong with those that failed, and warnings."""
    rows, summary = [], []
    broken: list[str] = []
    warned: list[str] = []
    folder = re.sub(r"[^\w.-]+", "-", Path(cfg.scans).resolve().name) or "scans"
    with advancing(len(calibrations), "cutting scans") as advance:
        for files, (calibration, origin) in calibrations.items():
            table = files.low.with_name(cfg.table.replace("{scan}", files.name) + ".csv")
            try:
                assays = load_assays(table) if present(table) else None
                batch = cfg.batch or files.batch or folder
                with PairReader(files.low, files.high) as reader:
                    found = exporter.export(files, reader, calibration, batch, assays, advance)
            except InputError as error:
                broken.append(one_line(error))
                continue
            rows.append(found.rows)
            pairs, faults = len(found.rows), (found.faults, found.lines_lost)
            row = summary_row(files.name, reader.height, found.particles, pairs, calibration, origin)
            summary.append(row | fault_cells(*faults) | {"notes": "; ".join(calibration.notes)})
            warned += (f"warning: {files.low}: {note}" for note in calibration.notes)
            warned += fault_lines(files.low, *faults, where="summary.csv")
    return rows, summary, broken, warned
