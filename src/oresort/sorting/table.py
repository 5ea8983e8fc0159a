"""`decisions.csv`: one row for each particle, with all that its decision rests on."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from oresort.files.write import replacing
from oresort.scan.segment.particle import FLAGS
from oresort.sorting.decision import Decision

COLUMNS = (
    *("id", "scan", "x", "y", "w", "h", "area", "area_mm2", "mass_proxy", "low_mean", "high_mean", "r"),
    *("p_ore", "decision", "reason", *FLAGS),
)


class Placed(NamedTuple):
    """A decision, and where its particle begins."""

    scan: str
    y: int  # first line, from the first of the scan
    made: Decision


def write_decisions(path: Path, rows: Iterable[Placed], pixel: float | None) -> None:
    """Write one row per particle, whole or not at all; what is not known, or no number, stays empty.

    Boxes are pixels of the scan, `pixel` mm wide if that is known; probabilities are written in full, so that the
    decision can be recomputed. An empty belt gives the header alone.
    """
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(cells(number, row, pixel) for number, row in enumerate(rows, start=1))


def cells(number: int, row: Placed, pixel: float | None) -> list[object]:
    """Return the cells of `COLUMNS` of one row, whose `id` is `number`."""
    made = row.made
    particle = made.particle
    ratio = made.low_mean / made.high_mean if made.high_mean > 0 else math.nan
    area = math.nan if pixel is None else made.area * pixel**2
    means = _text(made.low_mean, 5), _text(made.high_mean, 5)
    return [
        *(number, row.scan, particle.x, row.y, particle.w, particle.h, made.area),
        *(_text(area, 2), _text(made.mass_proxy, 2), *means, _text(ratio, 5)),
        *("" if np.isnan(made.p_ore) else str(made.p_ore), made.decision, made.reason),
        *(int(getattr(particle, flag)) for flag in FLAGS),
    ]


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else ""
