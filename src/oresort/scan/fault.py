"""What is wrong with a stretch of a scan, where it is, and whether it could be mended."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

MOST_COLUMNS, MOST_LINES = 5, 2
"""So many faulty columns or lines side by side are interpolated: 2 mm and 0.8 mm of rock at a pitch of 0.4 mm, less
than the smallest particle. What is wider is not known, and particles that touch it are flagged."""


@dataclass(frozen=True)
class Fault:
    """A rectangle of one layer, or of both, that does not show what passed there."""

    layer: str  # low, high or both
    kind: str  # one word: dead, stuck, lost, repeated ...
    lines: slice | None  # of the belt since its first line; None: all of them
    columns: slice | None  # of the scan; None: all of them
    mended: bool  # interpolated from beside it; else particles that touch it are flagged `faulty`

    def __str__(self) -> str:
        where = [f"{what} {_span(span)}" for what, span in (("columns", self.columns), ("lines", self.lines)) if span]
        layer = "both layers" if self.layer == "both" else f"{self.layer} layer"
        return f"{layer}, {', '.join(where) or 'everywhere'}: {self.kind}, {'mended' if self.mended else 'not mended'}"


def joined(faults: Iterable[Fault]) -> list[Fault]:
    """Return faults by place: of one kind, line by line, as one; alike in both layers as one of both."""
    last: dict[object, int] = {}  # what a fault has in common with one that it goes on with: its place among those kept
    kept: list[Fault] = []
    for fault in sorted(faults, key=_place):
        alike = fault.layer, fault.kind, _ends(fault.columns), fault.mended
        place = last.get(alike)
        before = None if place is None else kept[place]
        if place is not None and before is not None and _reaches(before.lines, fault.lines):
            if fault.lines is not None and before.lines is not None:
                stop = max(before.lines.stop, fault.lines.stop)
                kept[place] = replace(before, lines=slice(before.lines.start, stop))
        else:
            last[alike] = len(kept)
            kept.append(fault)
    layers: dict[object, list[Fault]] = {}
    for fault in kept:
        layers.setdefault((fault.kind, _ends(fault.lines), _ends(fault.columns), fault.mended), []).append(fault)
    return [same[0] if len(same) == 1 else replace(same[0], layer="both") for same in layers.values()]


def runs(marks: Iterable[int]) -> list[slice]:
    """Return ascending numbers as runs without a gap."""
    found: list[slice] = []
    for mark in map(int, marks):
        if found and found[-1].stop == mark:
            found[-1] = slice(found[-1].start, mark + 1)
        else:
            found.append(slice(mark, mark + 1))
    return found


def _span(span: slice) -> str:
    return f"{span.start}" if span.stop == span.start + 1 else f"{span.start}-{span.stop - 1}"


def _place(fault: Fault) -> tuple[int, int, int]:
    lines, columns = fault.lines or slice(-1, -1), fault.columns or slice(-1, -1)
    return lines.start, columns.start, columns.stop


def _ends(span: slice | None) -> tuple[int, int] | None:
    return None if span is None else (span.start, span.stop)


def _reaches(one: slice | None, other: slice | None) -> bool:
    return one is other if one is None or other is None else one.stop >= other.start
