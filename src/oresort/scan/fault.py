"""What is wrong with a stretch of a scan, where it is, and whether it could be mended."""

from collections.abc import Iterable, Sequence
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
    """Return faults by place, those of one kind that follow each other line by line as one, alike layers as both."""
    kept: list[Fault] = []
    for fault in sorted(faults, key=_place):
        same = next((k for k, other in enumerate(kept) if _follows(other, fault)), None)
        if same is None:
            kept.append(fault)
        elif fault.lines is not None:
            lines = kept[same].lines
            assert lines is not None  # `_follows` says so
            kept[same] = replace(kept[same], lines=slice(lines.start, max(lines.stop, fault.lines.stop)))
    both: list[Fault] = []
    for fault in kept:
        twin = next((k for k, other in enumerate(both) if _twins(other, fault)), None)
        if twin is None:
            both.append(fault)
        else:
            both[twin] = replace(fault, layer="both")
    return both


def runs(marks: Sequence[int]) -> list[slice]:
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


def _follows(one: Fault, other: Fault) -> bool:
    alike = replace(one, lines=None) == replace(other, lines=None)
    if one.lines is None or other.lines is None:
        return alike and one.lines == other.lines
    return alike and one.lines.stop >= other.lines.start


def _twins(one: Fault, other: Fault) -> bool:
    return one.layer != other.layer and replace(one, layer=other.layer) == other
