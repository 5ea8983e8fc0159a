"""What was wrong with a scan, in a table's cells and in lines for the one who looks after the sorter."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from oresort.scan.fault import Fault

_IN_A_CELL, _IN_LINES = 20, 5  # faults named one by one; of more, how many


def fault_cells(faults: Sequence[Fault], lines_lost: int) -> dict[str, int | str]:
    """Return what a row on a scan says: `lines_lost` and `faults`, those that were not mended first."""
    texts = [str(fault) for fault in sorted(faults, key=lambda fault: fault.mended)]
    more = [f"and {len(texts) - _IN_A_CELL:,} more"] if len(texts) > _IN_A_CELL else []
    return {"lines_lost": lines_lost, "faults": "; ".join(texts[:_IN_A_CELL] + more)}


def fault_lines(path: Path, faults: Sequence[Fault], lines_lost: int, where: str) -> Iterator[str]:
    """Yield warnings that name a scan's faults, the worst first; `where` all of them can be read."""
    ordered = sorted(faults, key=lambda fault: fault.mended)
    for fault in ordered[:_IN_LINES]:
        # of columns and packets the sorter is at fault, and will be tomorrow
        mend = "" if fault.mended else "; particles there are flagged faulty, see to the detector"
        yield f"warning: {path}: {fault}{mend}"
    if len(ordered) > _IN_LINES:
        bad = sum(not fault.mended for fault in ordered[_IN_LINES:])
        yield f"warning: {path}: {len(ordered) - _IN_LINES:,} faults more, {bad:,} of them not mended; see {where}"
    if lines_lost:
        yield f"warning: {path}: {lines_lost:,} lines lost or repeated"
