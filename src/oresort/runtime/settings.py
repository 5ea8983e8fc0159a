"""The typed configuration of `sort`, and what it says of scans and cutting."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from oresort.console.command import REQUIRED
from oresort.console.ranges import number, one_of, share, whole
from oresort.errors import InputError
from oresort.files.belt import BeltFiles, scans_in_order
from oresort.files.dataset import Cutting
from oresort.files.scans import ScanFiles
from oresort.runtime.model import Model
from oresort.sorting.operating import MOVED, Operating
from oresort.sorting.policy import POLICIES, Policy


@dataclass
class SortConfig:
    """One scan to sort, or the scans of a belt; `conf/sort.yaml` explains each key."""

    ckpt: str = REQUIRED
    out: str = REQUIRED
    low: str | None = None
    high: str | None = None
    scans: str | None = None
    joined: bool = True
    watch: bool = False
    lines: str | None = None
    first: Annotated[int, whole(0, 20_000)] = 1_200
    idle: Annotated[float | None, number(0, 1e6, above=True)] = None
    stall: Annotated[float, number(0, 1e6, above=True)] = 5.0
    waiting: Annotated[int, whole(64, 100_000)] = 2_048
    workers: Annotated[int | None, whole(0, 64)] = None
    deadline: Annotated[float | None, number(0, 1e6, above=True)] = None
    late: Annotated[str, one_of("keep", "drop")] = "keep"
    crops: Annotated[str | None, one_of("registered", "released")] = None
    mask: Annotated[str | None, one_of("noise", "threshold", "released")] = None
    calibration: str | None = None
    save_calibration: str | None = None
    pixel: Annotated[float | None, number(0, 100, above=True)] = None
    threshold: Annotated[Any, MOVED] = None
    operating: Operating = field(default_factory=Operating)
    prices: str | None = None
    cutoff: Annotated[float | None, number(0, 100, above=True)] = None
    faulty: Annotated[str, one_of(*POLICIES)] = Policy.faulty
    clipped: Annotated[str, one_of(*POLICIES)] = Policy.clipped
    touching: Annotated[str, one_of(*POLICIES)] = Policy.touching
    unsure: Annotated[str, one_of(*POLICIES)] = Policy.unsure
    band: Annotated[float | None, share()] = None
    overlay: bool = True
    report: bool = False
    ejectors: str | None = None
    page: Annotated[int | None, whole(0, 65_535)] = None
    page_host: str = "127.0.0.1"
    device: str = "auto"
    modules: list[str] = field(default_factory=list)


def belts_of(cfg: SortConfig) -> list[BeltFiles]:
    """Return the belts to sort: all scans as one, or each by itself.

    Raises:
        InputError: no scan is named, one cannot be used, or those of one belt differ in width.
    """
    if cfg.scans is not None:
        scans = scans_in_order(Path(cfg.scans), *patterns(cfg))
    elif cfg.low and cfg.high:
        name = re.sub(r"(?<=.)[_-]low$", "", Path(cfg.low).stem)
        scans = [ScanFiles(name, Path(cfg.low), Path(cfg.high), "", "")]
    else:
        raise InputError("low, high: missing; give both layers of a scan, or a folder of scans as scans=DIR")
    belts = [BeltFiles.of(scans)] if cfg.joined else [BeltFiles.of([scan]) for scan in scans]
    if cfg.save_calibration and len(belts) > 1:
        raise InputError("save_calibration=FILE: every scan has its own with joined=false; leave it out")
    return belts


def patterns(cfg: SortConfig) -> tuple[str, str]:
    """Return what the layers of a folder's scans are called."""
    return cfg.low or "{scan}_low", cfg.high or "{scan}_high"


def is_stream(cfg: SortConfig) -> bool:
    """Tell whether lines come while they are sorted, rather than lie on a disk.

    Raises:
        InputError: keys that contradict each other.
    """
    if cfg.lines is not None:
        for key in ("low", "high", "scans"):
            if getattr(cfg, key) is not None:
                raise InputError(f"{key}={getattr(cfg, key)} lines={cfg.lines}: two sources; leave out one of them")
        if not cfg.joined:
            raise InputError(f"joined=false lines={cfg.lines}: lines have no borders; leave out joined=")
    if cfg.watch and cfg.scans is None:
        raise InputError("watch=true: no folder to watch; give it as scans=DIR")
    if cfg.watch and not cfg.joined and cfg.save_calibration:
        raise InputError("save_calibration=FILE: every scan has its own with joined=false; leave it out")
    if cfg.watch and cfg.ejectors is not None:
        raise InputError(
            f"ejectors={cfg.ejectors} watch=true: whole scans come too late for valves; give lines=, or sort "
            "the folder once it is whole"
        )
    if cfg.deadline is not None and cfg.lines is None:
        raise InputError(f"deadline={cfg.deadline:g}: scans on a disk wait; leave it out, or give lines=")
    if cfg.idle is not None and not (cfg.watch or cfg.lines):
        raise InputError(f"idle={cfg.idle:g}: nothing is waited for; leave it out, or say watch=true or lines=")
    return cfg.watch or cfg.lines is not None


def cutting(cfg: SortConfig, model: Model) -> Cutting:
    """Return how particles are to be cut: as the model's training pairs, whatever the command says of it.

    Raises:
        InputError: `crops` or `mask` is unknown, contradicts the model's pairs, or is needed and not given.
    """
    given = {key: word for key in ("crops", "mask") if (word := getattr(cfg, key)) is not None}
    known = model.cut
    if known is None:
        if len(given) == 2:
            return Cutting(**given)
        raise InputError(
            f"{cfg.ckpt}: does not know how its training pairs were cut; "
            "say crops=registered or released, and mask=noise, threshold or released"
        )
    for key, word in given.items():
        if replace(known, **{key: word}) != known:
            raise InputError(
                f"{key}={word}: the model's training pairs were cut with {key}={getattr(known, key)}; leave out {key}="
            )
    return known
