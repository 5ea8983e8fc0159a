"""Consecutive scans of one belt: which files, in what order, and their lines as if they were one scan."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oresort.errors import InputError
from oresort.files.lines import PairReader
from oresort.files.scans import ScanFiles, find_scans


@dataclass(frozen=True)
class BeltFiles:
    """Scans of one belt, all of one width; lines count from the first of the first scan."""

    scans: tuple[ScanFiles, ...]
    heights: tuple[int, ...]  # lines of each

    @classmethod
    def of(cls, scans: Sequence[ScanFiles]) -> "BeltFiles":
        """Look at the files of some scans, in order; InputError for one that cannot be used or is of another width."""
        heights, widths = [], []
        for scan in scans:
            with PairReader(scan.low, scan.high) as reader:
                heights.append(reader.height)
                widths.append(reader.width)
            if widths[-1] != widths[0]:
                raise InputError(
                    f"{scan.low}: {widths[-1]} columns but {scans[0].low} has {widths[0]}; give scans of one sorter"
                )
        return cls(tuple(scans), tuple(heights))

    @property
    def height(self) -> int:
        """Lines of all scans."""
        return sum(self.heights)

    @property
    def name(self) -> str:
        """Name of its one scan, or of the first and the last."""
        first, last = self.scans[0].name, self.scans[-1].name
        return first if len(self.scans) == 1 else f"{first} to {last}"

    def place(self, y: int) -> tuple[str, int]:
        """Return the name of the scan in which line `y` of the belt lies, and which line of that scan it is."""
        starts = [0, *accumulate(self.heights)]
        index = min(bisect_right(starts, y) - 1, len(self.scans) - 1)
        return self.scans[index].name, y - starts[index]

    def read(self, lines: int) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
        """Yield both layers' counts (n, W) of one scan after the other, `lines` or fewer at a time."""
        for scan in self.scans:
            with PairReader(scan.low, scan.high) as reader:
                yield from reader.ahead(lines)


def scans_in_order(root: Path, low: str, high: str) -> list[ScanFiles]:
    """Return a folder's scans as `find_scans` does, by name with numbers by their size: scan_2 before scan_10.

    Raises:
        InputError: as `find_scans`, and for a scan that lacks a layer: the belt would have a hole.
    """
    scans, problems = find_scans(root, low, high)
    if problems:
        more = f" (and {len(problems) - 1} more such scans)" if problems[1:] else ""
        raise InputError(f"{problems[0]}{more}")
    return sorted(scans, key=lambda scan: natural(scan.name))


def gap_in(belt: BeltFiles) -> str:
    """Return where the numbers that names end with are not evenly spaced, so that a scan may be missing, or nothing.

    Two scans alone follow each other where their numbers do, or are as far apart as the first has lines.
    """
    numbers = [re.fullmatch(r"(.*?)(\d+)", scan.name) for scan in belt.scans]
    steps = {
        int(after[2]) - int(before[2]): f"{before[0]} and {after[0]}"
        for before, after in pairwise(numbers)
        if before and after and before[1] == after[1]
    }
    usual = min(steps, default=0)
    if len(belt.scans) == 2 and usual not in (1, belt.heights[0]):
        usual = 1
    return next((between for step, between in steps.items() if step != usual), "")


def natural(name: str) -> tuple[list[str | int], str]:
    """Return what names are sorted by, so that numbers go by their size: scan_2 before scan_10."""
    # text and numbers in turn, so that only like is compared with like
    return [int(part) if k % 2 else part for k, part in enumerate(re.split(r"(\d+)", name))], name
