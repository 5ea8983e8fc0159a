"""`decisions.csv`: one row for each particle, with all that its decision rests on."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from oresort.files.write import replacing
from oresort.scan.segment.particle import FLAGS, Particle

COLUMNS = (
    *("id", "scan", "x", "y", "w", "h", "area", "area_mm2", "mass_proxy", "low_mean", "high_mean", "r"),
    *("p_ore", "decision", "reason", *FLAGS),
)


class Decided(NamedTuple):
    """A particle and what was decided on it."""

    scan: str  # in which it begins
    particle: Particle  # its y counts from the first line of the belt; its mask may be gone
    y: int  # first line, from the first of its scan
    area: int  # pixels
    mass_proxy: float  # sum of high attenuation over its pixels
    low_mean: float  # mean low attenuation l over them
    high_mean: float  # mean high attenuation h
    p_ore: np.float32
    decision: str  # ore is kept, waste is thrown out
    reason: str  # threshold, or policy:<kind>


def write_decisions(path: Path, rows: Sequence[Decided], pixel: float | None) -> None:
    """Write one row per particle, whole or not at all; what is not known, or no number, stays empty.

    Boxes are pixels of the scan, `pixel` mm wide if that is known; probabilities are written in full, so that the
    decision can be recomputed. An empty belt gives the header alone.
    """
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(_cells(number, row, pixel) for number, row in enumerate(rows, start=1))


def _cells(number: int, row: Decided, pixel: float | None) -> list[object]:
    particle = row.particle
    ratio = row.low_mean / row.high_mean if row.high_mean > 0 else math.nan
    area = math.nan if pixel is None else row.area * pixel**2
    return [
        *(number, row.scan, particle.x, row.y, particle.w, particle.h, row.area),
        *(_text(area, 2), _text(row.mass_proxy, 2), _text(row.low_mean, 5), _text(row.high_mean, 5), _text(ratio, 5)),
        *(str(row.p_ore), row.decision, row.reason),
        *(int(getattr(particle, flag)) for flag in FLAGS),
    ]


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else ""
