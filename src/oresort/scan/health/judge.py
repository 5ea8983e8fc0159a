"""Lines of one layer as they come: corrected, levelled, judged, mended where that is honest and marked where not."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.correct import Corrector
from oresort.scan.fault import runs
from oresort.scan.health import patches
from oresort.scan.health.levels import LineLevels
from oresort.scan.health.look import Look, Looker, together
from oresort.scan.health.patch import Patch, mend, rectangles
from oresort.scan.health.patches import OPAQUE, STRETCH
from oresort.scan.health.steps import Steps
from oresort.scan.lines import Lines

_PIXEL = 3.0  # noise of a pixel over that of smoothed ones, which is what a calibration knows
_COUNTS = 4.0  # noise in counts below which pixels repeat each other by chance
_LEAST_NOISE = 0.01  # of a pixel, below which no detector's lies
_STEADY = 0.25  # of a pixel's noise: a range over 16 lines that no live column has
_ROOM = 96  # lines in question are few: what they lie in shall stay in the processor's cache
_UNCORRECTED = (0.9, 1.1)  # levels that masks bear where lines are left as they came


class Judge:
    """One layer's lines on their way from counts to transmission that can be trusted, `REACH` lines behind them."""

    def __init__(self, columns: Columns, belt: slice, correct: bool) -> None:
        self._belt, self._correct = belt, correct
        self._corrector = Corrector(columns, belt, correct)
        noise = _PIXEL * columns.noise[belt]
        in_counts = noise * np.float32(columns.level)
        self._live = ~columns.dead[belt]
        self._quiet = None  # without noise pixels repeat each other by chance
        if np.median(in_counts) >= _COUNTS:
            self._quiet = np.where(self._live, np.ceil(_STEADY * in_counts), 0).astype(np.uint16)
        bounds = {} if correct else {"bounds": _UNCORRECTED}
        self._levels = LineLevels(self._live, noise, **bounds)
        width = belt.stop - belt.start
        self._limits = patches.Limits(np.maximum(noise, np.float32(_LEAST_NOISE)))
        self._looked = Looker(self._limits, self._quiet)
        self._steps = Steps(noise)
        # lines in question and `REACH` before them, as they came and as levelled transmission
        self._counts = Lines[np.uint16](width, np.uint16, _ROOM)
        self._lines = Lines[np.float32](width, np.float32, _ROOM)
        self._looks: list[Look] = []  # at them, as far as they came a stretch at a time
        self._lost = np.empty(0, np.bool_)  # (n,)
        self._repeated = np.empty(0, np.bool_)
        self._next = 0  # first line that is not judged yet
        self._going_on = self._nothing = np.zeros(width, np.bool_)

    def adapt(self, factor: NDArray[np.float32]) -> None:
        """Divide what is to come by a column's level (belt,), relative to what it was so far."""
        self._corrector.adapt(factor)

    def take(self, counts: NDArray[np.uint16], last: bool) -> tuple[NDArray[np.float32], list[Patch]]:
        """Add lines (n, W of the scan); return the transmission (m, belt) of those now judged, and what is faulty.

        Judged lines may be fewer or more than those that came; all of them if these are the `last`. Do not write in
        them.
        """
        fresh = counts[:, self._belt]
        lines = self._corrector(counts, self._lines.room(len(counts)))
        level, lost, repeated = self._levels(lines, fresh)
        if self._correct:
            lines /= level[:, None]
        self._counts.append(fresh)
        self._lost = np.concatenate([self._lost, lost])
        self._repeated = np.concatenate([self._repeated, repeated])
        self._look_at(len(fresh))
        end = self._lines.end - (0 if last else patches.REACH)
        if end <= self._next:
            return np.empty((0, lines.shape[1]), np.float32), []
        top = self._lines.top
        whole, faulty = self._judged()
        judged = whole[self._next - top : end - top]
        # a rectangle is told once, by its lines that are judged now
        told = [p._replace(top=max(p.top, self._next), bottom=min(p.bottom, end)) for p in faulty]
        stay = self._steps.add(judged)
        if stay and not whole.flags.owndata:  # these are the lines as they came, which the next ones are judged by
            judged = judged.copy()
        for columns in stay:
            judged[:, columns] = 1
            told.append(Patch("gain", self._next, end, columns.start, columns.stop, False))
        self._next = end
        drop = max(end - patches.REACH - top, 0)
        self._looks = [] if drop % STRETCH else self._looks[drop // STRETCH :]
        for kept in (self._counts, self._lines):
            kept.forget(top + drop)
        self._lost, self._repeated = self._lost[drop:], self._repeated[drop:]
        return judged, [patch for patch in told if patch.top < patch.bottom]

    def _look_at(self, count: int) -> None:
        """Look at the last lines, so many, where they are stretches after others."""
        top, end = self._lines.top, self._lines.end
        start = end - count
        if start - top == STRETCH * len(self._looks):
            for line in range(start, end - STRETCH + 1, STRETCH):
                begin, stop = max(line - 1, top), line + STRETCH
                self._looks.append(self._looked(self._lines.between(begin, stop), self._counts.between(begin, stop)))

    def _judged(self) -> tuple[NDArray[np.float32], list[Patch]]:
        """Return all lines in question (n, W), mended, and what is faulty on them."""
        came = self._lines.between(self._lines.top, self._lines.end)
        top, lines, gone = self._lines.top, came, self._lost | self._repeated
        look = together(self._looks) if len(came) == STRETCH * len(self._looks) > 0 else None
        if gone.any():
            look, here = None, np.flatnonzero(~gone)
            # as a line that is there: the rules look at the others
            if here.size:
                lines = lines.copy()
                lines[gone] = lines[here[np.searchsorted(here, np.flatnonzero(gone)).clip(0, here.size - 1)]]
        found = self._patches(lines, look, gone)
        # by now nothing depends on what stood there
        fixed, told = lines, []
        if lines is came and (found or gone.any()):
            fixed = lines.copy()
        for patch in found:
            told.append(patch._replace(mended=mend(fixed, patch, top)))
        for span in runs(np.flatnonzero(gone)):
            kind = "lost" if self._lost[span].any() else "repeated"
            whole = Patch(kind, top + span.start, top + span.stop, 0, lines.shape[1], False)
            told.append(whole._replace(mended=mend(fixed, whole, top)))
        return fixed, told

    def _patches(self, lines: NDArray[np.float32], look: Look | None, gone: NDArray[np.bool_]) -> list[Patch]:
        """Return what is faulty on lines (n, W) of which some are not there; of some a look is known."""
        if look is None:
            cells = patches.narrowed(lines)
            look = Look(cells, cells.min(axis=0, initial=np.inf), cells.max(axis=0, initial=0), True)
        masks: dict[str, patches.Mask | None] = {}
        edged, shown = None, look.cells
        if look.suspect:
            seen = _Seen(lines, self._live, gone)
            edged = patches.edged(lines, seen.dark, self._going_on)
            stuck = None
            if self._quiet is not None:
                counts = self._counts.between(self._counts.top, self._counts.end)
                stuck = _either(patches.repeating(counts, seen), patches.steady(counts, self._quiet, seen))
            masks = {"stuck": stuck, "noisy": patches.noisy(lines, self._limits)}
            known = _either(*masks.values())
            if known is not None:  # it makes nothing beside it bright
                shown = patches.narrowed(np.where(known > 0, np.float32(1), lines))
        width = lines.shape[1]
        dark = patches.strips(look.cells, look.darkest, look.brightest)
        masks["dark"] = _either(None if dark is None else patches.widened(dark, width), edged)
        if look.suspect and (bright := patches.glaring(shown)) is not None:
            masks["bright"] = patches.widened(bright, width)
        # the next lines in question begin where this row lies
        row = max(len(lines) - 2 * patches.REACH, 0)
        self._going_on = self._nothing if edged is None else edged[row] > 0
        top = self._lines.top
        return [patch for kind, mask in masks.items() if mask is not None for patch in rectangles(mask, kind, top)]


class _Seen:
    """Where anything but opaque is; asked only where something is found."""

    def __init__(self, lines: NDArray[np.float32], live: NDArray[np.bool_], gone: NDArray[np.bool_]) -> None:
        self._lines, self._live, self._gone = lines, live, gone

    @cached_property
    def dark(self) -> NDArray[np.bool_]:
        return self._lines < OPAQUE

    @cached_property
    def all(self) -> NDArray[np.bool_]:
        return self._live & ~self.dark & ~self._gone[:, None]

    def __call__(self) -> NDArray[np.bool_]:
        return self.all


def _either(one: patches.Mask | None, other: patches.Mask | None) -> patches.Mask | None:
    return one if other is None else other if one is None else np.bitwise_or(one, other)
