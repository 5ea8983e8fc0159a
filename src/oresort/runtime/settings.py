"""The typed configuration of `sort`, and what it says of scans and cutting."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from oresort.console.command import REQUIRED
from oresort.console.ranges import number, one_of, share
from oresort.errors import InputError
from oresort.files.belt import BeltFiles, scans_in_order
from oresort.files.dataset import Cutting
from oresort.files.scans import ScanFiles
from oresort.runtime.model import Model
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
    crops: Annotated[str | None, one_of("registered", "released")] = None
    mask: Annotated[str | None, one_of("noise", "threshold", "released")] = None
    calibration: str | None = None
    save_calibration: str | None = None
    pixel: Annotated[float | None, number(0, 100, above=True)] = None
    threshold: Annotated[float | None, share()] = None
    faulty: Annotated[str, one_of(*POLICIES)] = Policy.faulty
    clipped: Annotated[str, one_of(*POLICIES)] = Policy.clipped
    touching: Annotated[str, one_of(*POLICIES)] = Policy.touching
    unsure: Annotated[str, one_of(*POLICIES)] = Policy.unsure
    band: Annotated[float, share()] = Policy.band
    overlay: bool = True
    device: str = "auto"
    modules: list[str] = field(default_factory=list)


def belts_of(cfg: SortConfig) -> list[BeltFiles]:
    """Return the belts to sort: all scans as one, or each by itself.

    Raises:
        InputError: no scan is named, one cannot be used, or those of one belt differ in width.
    """
    if cfg.scans is not None:
        scans = scans_in_order(Path(cfg.scans), cfg.low or "{scan}_low", cfg.high or "{scan}_high")
    elif cfg.low and cfg.high:
        name = re.sub(r"(?<=.)[_-]low$", "", Path(cfg.low).stem)
        scans = [ScanFiles(name, Path(cfg.low), Path(cfg.high), "", "")]
    else:
        raise InputError("low, high: missing; give both layers of a scan, or a folder of scans as scans=DIR")
    belts = [BeltFiles.of(scans)] if cfg.joined else [BeltFiles.of([scan]) for scan in scans]
    if cfg.save_calibration and len(belts) > 1:
        raise InputError("save_calibration=FILE: every scan has its own with joined=false; leave it out")
    return belts


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
