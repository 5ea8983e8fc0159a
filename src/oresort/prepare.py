"""`python -m oresort.prepare scans=DIR out=DIR`: from raw scans to a dataset of particle pairs."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import pandas as pd

from oresort.console.command import REQUIRED, run_command
from oresort.console.progress import advancing
from oresort.console.show import show
from oresort.errors import InputError, one_line
from oresort.files.dataset import Cutting, write_dataset
from oresort.files.image import read_pair
from oresort.files.layout import write_index
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles, find_scans, reference_pair
from oresort.files.write import new_folder
from oresort.scan.calibrate.calibration import Calibration, load_calibration
from oresort.scan.calibrate.many import calibrate_scans
from oresort.scan.calibrate.measure import Reference, check_scan
from oresort.scan.cut.assays import load_known
from oresort.scan.cut.export import FLAGS, Labelling, export_scan
from oresort.scan.cut.summary import SHOWN, statistics, summary_row, unlabelled_warning
from oresort.scan.draw.flags import save_png
from oresort.scan.draw.summary import draw_summary


@dataclass
class PrepareConfig:
    """Which scans to prepare and how; `conf/prepare.yaml` explains each key."""

    scans: str = REQUIRED
    out: str = REQUIRED
    low: str = "{scan}_low"
    high: str = "{scan}_high"
    crops: str = "registered"
    background: str = "zero"
    correct: bool = True
    mask: str = "noise"
    split: bool = True
    convex: float = Cutting.convex
    neck: float = Cutting.neck
    min_area: int = Cutting.min_area
    drop: list[str] = field(default_factory=list)
    registration: str = "scan"
    calibration: str | None = None
    air: str | None = None
    dark: str | None = None
    label: str | None = None
    batch: str | None = None
    table: str = "{scan}_truth"
    cutoff: float = 0.10
    overlay: bool = True
    overwrite: bool = False


class Prepared(NamedTuple):
    """What was written."""

    manifest: pd.DataFrame
    """Pairs with a label."""
    unlabelled: pd.DataFrame
    """The same of pairs without one."""
    summary: pd.DataFrame
    """One row a scan."""


def prepare(cfg: PrepareConfig) -> Prepared:
    """Prepare all scans of a folder; those that cannot be read are reported, and the others go on.

    Raises:
        InputError: a key that is wrong, nothing that could be prepared (nothing is written then), or, after
            everything else was written, that some scans failed.
    """
    options = _check(cfg)
    scans, failures = find_scans(Path(cfg.scans), cfg.low, cfg.high)
    cv2.setNumThreads(1)  # its own threads would compete with the readers', and gain nothing on such tiles
    with new_folder(Path(cfg.out), cfg.overwrite) as folder:
        for failure in failures:
            _report(failure)
        calibrations = _calibrations(cfg, scans, failures)
        nothing = InputError(f"{cfg.scans}: no scan could be prepared; mend what the lines above name")
        if not calibrations:
            raise nothing
        rows, summary = [], []
        with advancing(len(calibrations), "cutting scans") as advance:
            for files, (calibration, origin) in calibrations.items():
                try:
                    manifest, row = _export(cfg, options, files, calibration, origin, folder, advance)
                    rows.append(manifest)
                    summary.append(row)
                except InputError as error:
                    failures.append(_report(one_line(error)))
        if not rows:
            raise nothing
        if not any(len(row) for row in rows):
            raise InputError(
                f"{cfg.scans}: no particle that is not dropped; give scans of a belt with particles"
            )
        pairs, table = pd.concat(rows, ignore_index=True), pd.DataFrame(summary)
        known = pairs["label"] != ""
        manifest, unlabelled = (pairs[chosen].reset_index(drop=True) for chosen in (known, ~known))
        write_index(folder, manifest)
        write_dataset(folder, "oresort.prepare", options, scans=statistics(table))
        if len(unlabelled):
            # apart, because a pair without a label would make the whole manifest useless for training
            unlabelled.to_csv(folder / "unlabelled.csv", index=False)
        table.to_csv(folder / "summary.csv", index=False)
        save_png(draw_summary(table, pairs), folder / "summary.png")
    show(table[[name for name in SHOWN if name in table]].fillna(""), f"{cfg.scans}: {len(pairs)} pairs")
    if len(unlabelled):
        print(unlabelled_warning(unlabelled, cfg.table), file=sys.stderr)
    pictures = "summary.png, overlays/" if cfg.overlay else "summary.png"
    print(f"written: {cfg.out} ({len(manifest)} labelled pairs in manifest.csv; look at {pictures})")
    if failures:
        count = f"{len(failures)} of {len(failures) + len(summary)} scans"
        raise InputError(
            f"{cfg.scans}: {count} failed; mend what the lines above name, the others are written"
        )
    return Prepared(manifest, unlabelled, table)


def _check(cfg: PrepareConfig) -> Cutting:
    for key, known in (
        ("registration", ("scan", "pooled")),
        ("label", (None, "ore", "waste")),
    ):
        if getattr(cfg, key) not in known:
            names = ", ".join(name for name in known if name)
            raise InputError(f"{key}={getattr(cfg, key)}: unknown; known are {names}")
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
    cfg: PrepareConfig, scans: list[ScanFiles], failures: list[str]
) -> dict[ScanFiles, tuple[Calibration, str]]:
    """Return each usable scan's calibration and where its registration is from; report the others."""
    if cfg.calibration:
        given = load_calibration(Path(cfg.calibration))
        fitting = []
        for files in scans:
            try:
                with PairReader(files.low, files.high) as reader:
                    check_scan(reader, given)
                fitting.append(files)
            except InputError as error:
                failures.append(_report(str(error)))
        return dict.fromkeys(fitting, (given, "file"))
    pairs = (
        None if name is None else read_pair(*reference_pair(name, cfg.low, cfg.high))
        for name in (cfg.air, cfg.dark)
    )
    with advancing(len(scans), "calibrating scans") as advance:
        found, problems = calibrate_scans(
            scans,
            Reference(*pairs),
            pooled=cfg.registration == "pooled",
            needed=cfg.crops == "registered",
            advance=advance,
        )
    failures += [_report(problem) for problem in problems]
    return found


def _export(
    cfg: PrepareConfig,
    options: Cutting,
    files: ScanFiles,
    calibration: Calibration,
    origin: str,
    folder: Path,
    advance: Callable[[float], None],
) -> tuple[pd.DataFrame, dict[str, Any]]:
    batch = cfg.batch or files.batch or re.sub(r"[^\w.-]+", "-", Path(cfg.scans).resolve().name) or "scans"
    table = files.low.with_name(cfg.table.replace("{scan}", files.name) + ".csv")
    known = load_known(table) if table.is_file() else None
    labelling = Labelling(cfg.label, cfg.cutoff)
    with PairReader(files.low, files.high) as reader:
        manifest, particles = export_scan(
            files, reader, calibration, options, labelling, batch, known, tuple(cfg.drop), folder, advance,
            cfg.overlay,
        )  # fmt: skip
        lines = reader.height
    return manifest, summary_row(files.name, lines, particles, len(manifest), calibration, origin)


def _report(line: str) -> str:
    print(f"error: {line}", file=sys.stderr)
    return line


def main() -> None:
    """Entry point of `python -m oresort.prepare`."""
    run_command("prepare", __doc__, PrepareConfig, prepare)


if __name__ == "__main__":
    main()
