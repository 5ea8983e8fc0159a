"""Lines of layers as they come: corrected, levelled, judged, mended where that is honest and marked where not."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.columns import Columns
from oresort.scan.calibrate.correct import Corrector
from oresort.scan.health import patches
from oresort.scan.health.levels import THERE, LineLevels
from oresort.scan.health.look import PIECE, Look, Looker
from oresort.scan.health.patch import Patch
from oresort.scan.health.patches import OPAQUE
from oresort.scan.health.rules import Rules
from oresort.scan.health.steps import Steps
from oresort.scan.health.strips import darker, strips
from oresort.scan.lines import Lines

_PIXEL = 3.0  # noise of a pixel over that of smoothed ones, which is what a calibration knows
_COUNTS = 4.0  # noise in counts below which pixels repeat each other by chance
_LEAST_NOISE = 0.01  # of a pixel, below which no detector's lies
_STEADY = 0.25  # of a pixel's noise: a range over 16 lines that no live column has
_ROOM = 96  # lines in question are few: what they lie in shall stay in the processor's cache
_UNCORRECTED = (0.9, 1.1)  # levels that masks bear where lines are left as they came


class Judge:
    """Lines of some layers on their way from counts to transmission that can be trusted, `REACH` lines behind them."""

    def __init__(self, layers: Sequence[Columns], belt: slice, correct: bool) -> None:
        self._belt, self._correct = belt, correct
        self._corrector = Corrector(layers, belt, correct)
        noise = _PIXEL * np.stack([columns.noise[belt] for columns in layers])  # (L, W)
        live = np.stack([~columns.dead[belt] for columns in layers])
        quiet: list[NDArray[np.uint16] | None] = []
        for columns, own, shown in zip(layers, noise, live, strict=True):
            in_counts = own * np.float32(columns.level)
            steady = np.where(shown, np.ceil(_STEADY * in_counts), 0).astype(np.uint16)
            quiet.append(steady if np.median(in_counts) >= _COUNTS else None)
        bounds = {} if correct else {"bounds": _UNCORRECTED}
        self._levels = LineLevels(live, noise, **bounds)
        limits = [patches.Limits(np.maximum(own, np.float32(_LEAST_NOISE))) for own in noise]
        self._looked, self._steps = Looker(limits, quiet), Steps(noise)
        self._rules = [Rules(*own) for own in zip(live, limits, quiet, strict=True)]
        # lines in question and `REACH` before them, as they came
        self._counts = Lines[np.uint16](live.shape, np.uint16, _ROOM)
        self._state = Lines[np.uint8](live.shape[:1], np.uint8, _ROOM)
        self._looks: list[Look] = []  # at them, as far as they came in whole pieces
        self.lines = Lines[np.float32](live.shape, np.float32)
        """Transmission (n, L, belt): judged before line `next`, then as it came; more is kept than is in question."""
        self.next = 0
        """First line that is not judged yet."""
        self._before: NDArray[np.float32] | None = None  # those in question before it as they came, where that differs

    def adapt(self, factors: NDArray[np.float32]) -> None:
        """Divide what is to come by each column's level (L, belt), relative to what it was so far."""
        self._corrector.adapt(factors)

    def swing(self) -> list[tuple[float, float]]:
        """Return of each layer how far air fell and rose, see `LineLevels.swing`."""
        return self._levels.swing()

    def keep(self) -> None:
        """Keep the last judged lines as they came: others are going to write in them."""
        if self._before is None:
            self._before = self.lines.between(self._counts.top, self.next).copy()

    def take(self, layers: Sequence[NDArray[np.uint16]], last: bool) -> tuple[NDArray[np.float32], list[list[Patch]]]:
        """Add each layer's lines (n, W of the scan); return those now judged (m, L, belt), and what is faulty in each.

        Judged lines, as transmission, may be fewer or more than those that came; all of them if these are the `last`.
        They are a part of `lines`.
        """
        count = len(layers[0])
        fresh, lines = self._counts.room(count), self.lines.room(count)  # (n, L, belt)
        for index, layer in enumerate(layers):
            fresh[:, index] = layer[:, self._belt]
        level, state = self._levels(self._corrector(fresh, lines), fresh)
        if self._correct:
            lines /= level[..., None]
        self._state.append(state)
        self._look_at(count)
        top, first, end = self._counts.top, self.next, self.lines.end - (0 if last else patches.REACH)
        if end <= first:
            return lines[:0], [[] for _ in layers]
        came = self.lines.between(top, self.lines.end)
        if self._before is not None:
            came = np.concatenate([self._before, came[first - top :]])
        whole, faulty = self._judged(came)
        judged = self.lines.between(first, end)
        # a rectangle is told once, by its lines that are judged now
        told = [[p._replace(top=max(p.top, first), bottom=min(p.bottom, end)) for p in own] for own in faulty]
        stay = self._steps.add(self._total(whole, whole is came, first - top, end - top), len(judged))
        drop = max(end - patches.REACH - top, 0)
        self.next = end
        if whole is not came or any(stay):  # the next lines are judged by these as they came
            self._before = came[drop : end - top].copy()
            judged[:] = whole[first - top : end - top]
        elif self._before is not None:
            self._before = None if top + drop >= first else came[drop : end - top]
        for index, spans in enumerate(stay):
            for span in spans:
                judged[:, index, span] = 1
                told[index].append(Patch("gain", first, end, span.start, span.stop, False))
        self._looks = [] if drop % PIECE else self._looks[drop // PIECE :]
        for kept in (self._counts, self._state):
            kept.forget(top + drop)
        return judged, [[patch for patch in own if patch.top < patch.bottom] for own in told]

    def _look_at(self, count: int) -> None:
        """Look at the last lines, so many, where they are whole pieces after others."""
        top, end = self._counts.top, self._counts.end
        if count and count % PIECE == 0 and end - count - top == PIECE * len(self._looks):
            begin = max(end - count - 1, top)
            self._looks += self._looked(self.lines.between(begin, end), self._counts.between(begin, end), count)

    def _total(self, lines: NDArray[np.float32], came: bool, start: int, stop: int) -> NDArray[np.float32]:
        """Return the sum (L, W) of some of the `lines` in question (n, L, W), mended or as they `came`."""
        (first, more), (last, rest) = divmod(start, PIECE), divmod(stop, PIECE)
        if came and len(lines) == PIECE * len(self._looks) and more == rest == 0:
            return reduce(np.add, [look.total for look in self._looks[first:last]])
        return np.asarray(lines[start:stop].sum(axis=0))

    def _judged(self, came: NDArray[np.float32]) -> tuple[NDArray[np.float32], list[list[Patch]]]:
        """Return all lines in question (n, L, W) as they `came`, mended, and what is faulty on them in each layer."""
        top, end = self._counts.top, self._counts.end
        counts, state, fixed = self._counts.between(top, end), self._state.between(top, end), came
        told: list[list[Patch]] = [[] for _ in self._rules]
        for layer, (rules, asked) in enumerate(zip(self._rules, self._suspect(came, state), strict=True)):
            if not asked:
                rules.skip()
                continue
            mended, told[layer] = rules(np.ascontiguousarray(came[:, layer]), counts[:, layer], state[:, layer], top)
            if told[layer]:
                fixed = came.copy() if fixed is came else fixed
                fixed[:, layer] = mended
        return fixed, told

    def _suspect(self, came: NDArray[np.float32], state: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell for which layers (L,) the rules have to be asked about lines (n, L, W) of some state (n, L)."""
        looks = self._looks
        if not looks or len(came) != PIECE * len(looks):
            return np.ones(len(self._rules), np.bool_)
        found = self._looked.suspect(looks)
        if state.any():  # nearly always all of them are there, which is 0
            found |= (state != THERE).any(axis=0)
        darkest = reduce(np.minimum, [look.darkest for look in looks])  # (L, W)
        thin = strips(came, darker(darkest, max(look.brightest for look in looks)))
        if thin is not None:
            found |= thin.any(axis=(0, 2))
        if all(look.calm for look in looks):
            return found
        opaque = np.logical_or.reduce([look.opaque for look in looks]) & ~found
        for layer in np.flatnonzero(opaque).tolist():
            found[layer] = self._rules[layer].edged(came[:, layer], np.flatnonzero(darkest[layer] < OPAQUE))
        return found
