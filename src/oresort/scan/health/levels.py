"""What each line of a layer has in common, known before anything is masked, and lines that show nothing."""

import numpy as np
from numpy.typing import NDArray

from oresort.scan.calibrate.air import STEADY
from oresort.xray.transmission import FULL_SCALE

_LOOKED_AT = 220  # columns, evenly over the belt: they give a level to 0.2 %
_BRIGHT = 0.8  # share of a line below its first guess at air: holds up to this share of covered or lost pixels
_NARROW = 3.0  # standard deviations of bare belt about a level that count as air
_LEAST = 0.1  # share of a line that must be air for it to have a level of its own
_JUMP, _SURE = 0.03, 0.4  # relative; a level that far from the line's before must be that of so large a share
_FLAT, _RESTLESS = 0.3, 4.5  # of a pixel's noise: a line whose neighbours differ by less or more shows nothing
_ROUGH = 0.15  # mean difference of neighbours that no line of rocks has
_TUBE = (0.5, 1.3)  # of the calibrated level; beyond lies no drift or dip but a trip or a surge
_KEPT = 2_000  # lines that a repeated one is compared with
THERE, LOST, REPEATED = range(3)
"""What a line is."""

_FAR = 1e3  # brighter than any air, and in no mean of it
_DARK = np.float32(0.1)  # the darkest level of which a share is noise


class LineLevels:
    """Follows the levels of layers line by line, and tells lines that were lost.

    A line is lost where its level lies outside `bounds` of the calibrated one (a tube that tripped, zeros, full
    scale), or where it repeats one of the last 2,000 to the bit.

    Args:
        live: columns (L, W) that are not dead.
        noise: of their pixels (L, W).
        bounds: of a level.
    """

    def __init__(
        self, live: NDArray[np.bool_], noise: NDArray[np.float32], bounds: tuple[float, float] = _TUBE
    ) -> None:
        layers, width = live.shape
        self._row = layers * width
        some = [np.flatnonzero(layer)[:: max(int(layer.sum()) // _LOOKED_AT, 1)] for layer in live]
        counts = np.array([len(columns) for columns in some])
        # (L, C): where one layer has fewer columns than another, its last places hold none
        self._none = np.arange(max(counts.max(), 1)) >= counts[:, None]
        self._whole = not self._none.any()
        columns = np.zeros(self._none.shape, np.intp)
        columns[~self._none] = np.concatenate(some)
        start = width * np.arange(layers)[:, None]
        # of lines as one row of L * W: these columns, and the ones beside them (2, L, C)
        self._columns = np.stack([start + columns, start + np.minimum(columns + 1, width - 1)])
        self._counts = np.maximum(counts, 1).astype(np.float32)  # (L,)
        self._place = np.arange(layers), np.maximum((_BRIGHT * (counts - 1)).astype(np.intp), 0)
        # where there is no noise, lines are alike
        noises = [float(np.median(own[layer])) if layer.any() else 0.0 for own, layer in zip(noise, live, strict=True)]
        self._noisy = [value > 0 for value in noises]
        self._spread = (_NARROW * np.maximum(noises, 0.01)).astype(np.float32)
        # bounds (3, 1, L) of a sound line's level, of its share of air, and of its mean difference of neighbours
        flat = np.where(self._noisy, np.multiply(_FLAT, noises), -1)
        rough = np.where(self._noisy, np.maximum(np.multiply(_RESTLESS, noises), _ROUGH), np.inf)
        own = [[(bounds[0], bounds[1]), (_SURE, np.inf), ends] for ends in zip(flat, rough, strict=True)]  # (L, 3, 2)
        self._least, self._most = np.array(own, np.float32).transpose(2, 1, 0)[:, :, None]
        # the same, of one whose level is no news either
        self._low, self._high = self._least.copy(), self._most.copy()
        self._low[0], self._high[0] = np.maximum(self._low[0], STEADY[0]), np.minimum(self._high[0], STEADY[1])
        self._swing = np.ones((2, layers), np.float32)  # least and greatest level since it was asked
        self._last = [1.0] * layers
        self._ones = np.ones(self._none.shape[1], np.float32)
        rng = np.random.default_rng(0)
        self._weights = rng.integers(1 << 63, size=len(self._ones) // 4, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        # of each layer, hash of a line: when it was seen last; those of the last 2,000 lines are in one of these
        self._seen: list[dict[int, int]] = [{} for _ in live]
        self._older: list[dict[int, int]] = [{} for _ in live]
        self._count = 0

    def __call__(
        self, transmission: NDArray[np.float32], counts: NDArray[np.uint16]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return of lines (n, L, belt) their level, and whether they are there, lost or repeated, (n, L) each.

        `counts` are the same lines as they came. A line with hardly any air takes the level of the one before.
        """
        size = len(counts)
        both = transmission.reshape(size, self._row).take(self._columns, 1)  # (n, 2, L, C)
        lines = counts.reshape(size, self._row).take(self._columns[0], 1)  # (n, L, C)
        step = both[:, 0] - both[:, 1]
        np.abs(step, out=step)
        if not self._whole:
            step[:, self._none] = 0
        figures = np.empty((3, *lines.shape[:2]), np.float32)
        level, share, difference = figures  # (n, L) each
        self._levels(both[:, 0], lines == FULL_SCALE, level, share)
        np.divide(step @ self._ones, self._counts, out=difference)
        repeated = self._were_seen(lines)
        if size and repeated is None and ((figures >= self._low) & (figures <= self._high)).all():
            self._last = level[-1].tolist()
            return level, np.zeros(level.shape, np.uint8)
        (least, _, flat), (most, _, rough) = self._least, self._most
        if repeated is None:
            repeated = np.zeros(level.shape, np.bool_)
        covered = share < _LEAST  # all but covered, or of no one level
        restless = difference > rough
        # written so that NaN is outside
        outside = ~((level >= least) & (level <= most)) | restless | (difference < flat)
        self._settle(level, ~(covered | outside | repeated), share > _SURE)
        if size:
            usual = np.sort(level, axis=0)[size // 2]  # (L,), of lines that came together
            self._swing = np.stack([np.minimum(self._swing[0], usual), np.maximum(self._swing[1], usual)])
        # a line without any air of its own, yet far darker than what covers a belt leaves, is no line of rock
        dark = np.where(self._none, 0, both[:, 0]).max(axis=2, initial=0) < least / 5
        lost = outside & (~covered | dark | restless)
        return level, np.where(lost, LOST, np.where(repeated, REPEATED, THERE)).astype(np.uint8)

    def _levels(
        self,
        lines: NDArray[np.float32],
        full: NDArray[np.bool_],
        level: NDArray[np.float32],
        share: NDArray[np.float32],
    ) -> None:
        """Write air (n, L) as a clipped mean about the bright part of each line (n, L, C), and the share (n, L) of it.

        What is at `full` scale is lost, not bright: a level must not be taken of it.
        """
        if full.any():
            lines = np.where(full, np.float32(0), lines)
        if not self._whole:
            lines = np.where(self._none, np.float32(_FAR), lines)
        level[:] = np.sort(lines, axis=2)[:, *self._place]
        away = np.empty(lines.shape, np.float32)
        for _ in range(3):
            np.subtract(lines, level[..., None], out=away)
            np.abs(away, out=away)
            air = (away <= (self._spread * np.maximum(level, _DARK))[..., None]).astype(np.float32)  # (n, L, C)
            np.matmul(air, self._ones, out=share)
            np.divide(np.vecdot(air, lines), np.maximum(share, 1), out=level)
        share /= self._counts

    def swing(self) -> list[tuple[float, float]]:
        """Return of each layer how far its level fell and rose since this was asked last, of the calibrated one.

        What lasts for a few lines only is none.
        """
        found, self._swing = self._swing.T.tolist(), np.ones_like(self._swing)
        return [(least, most) for least, most in found]

    def _settle(self, level: NDArray[np.float32], fit: NDArray[np.bool_], sure: NDArray[np.bool_]) -> None:
        """Put the level before in the place of those that are not fit, or jump without being sure; (n, L) each."""
        for layer, before in enumerate(self._last):
            last = before
            for index, found in enumerate(level[:, layer].tolist()):
                if fit[index, layer] and (sure[index, layer] or abs(found - last) < _JUMP * last):
                    last = found
                else:
                    level[index, layer] = last
            self._last[layer] = last

    def _were_seen(self, lines: NDArray[np.uint16]) -> NDArray[np.bool_] | None:
        """Tell which of these lines (n, L, C), enough to tell lines apart, repeat one of the last ones, (n, L), if any.

        Lines are told apart by sums of 64 bits, weighted by chance: two lines of noise share one once in 10^19 times.
        """
        words = lines[..., : lines.shape[2] // 4 * 4].view(np.uint64)  # (n, L, C / 4), four counts each
        sums = np.vecdot(words, self._weights).T.tolist()  # L of n
        found, first = None, self._count
        self._count += len(lines)
        for layer, marks in enumerate(sums):
            if not self._noisy[layer]:
                continue
            seen, older = self._seen[layer], self._older[layer]
            fresh = dict(zip(marks, range(first, self._count), strict=True))
            if len(fresh) == len(marks) and seen.keys().isdisjoint(marks) and older.keys().isdisjoint(marks):
                seen.update(fresh)
            else:
                found = np.zeros(lines.shape[:2], np.bool_) if found is None else found
                for index, mark in enumerate(marks):
                    before = max(seen.get(mark, -_KEPT), older.get(mark, -_KEPT))
                    found[index, layer] = first + index - before < _KEPT
                    seen[mark] = first + index
            if len(seen) >= _KEPT:
                self._seen[layer], self._older[layer] = {}, seen
        return found
