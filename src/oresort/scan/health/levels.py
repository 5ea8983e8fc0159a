"""What each line of a layer has in common, known before anything is masked, and lines that show nothing."""

import cv2
import numpy as np
from numpy.typing import NDArray

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


class LineLevels:
    """Follows one layer's level line by line, and tells lines that were lost.

    A line is lost where its level lies outside `bounds` of the calibrated one (a tube that tripped, zeros, full
    scale), or where it repeats one of the last 2,000 to the bit.
    """

    def __init__(
        self, live: NDArray[np.bool_], noise: NDArray[np.float32], bounds: tuple[float, float] = _TUBE
    ) -> None:
        columns = np.flatnonzero(live)
        self._columns = columns[:: max(len(columns) // _LOOKED_AT, 1)]
        self._beside = np.minimum(self._columns + 1, len(live) - 1)
        self._noise = float(np.median(noise[live])) if live.any() else 0.0  # where there is none, lines are alike
        self._spread = _NARROW * max(self._noise, 0.01)
        self._bounds, self._last = bounds, 1.0
        self._share = np.full(len(self._columns), 1 / max(len(self._columns), 1), np.float32)
        self._factors = np.random.default_rng(0).integers(2**63, size=len(self._columns), dtype=np.uint64) * 2 + 1
        # checksum of a line: when it was seen last; the last 2,000 checksums are in one of these
        self._seen: dict[int, int] = {}
        self._older: dict[int, int] = {}
        self._count = 0

    def __call__(
        self, transmission: NDArray[np.float32], counts: NDArray[np.uint16]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return of lines (n, belt) their level (n,), and which are lost by level and which by repetition, (n,) each.

        `counts` are the same lines as they came. A line with hardly any air takes the level of the one before.
        """
        few, lines = transmission.take(self._columns, 1), counts.take(self._columns, 1)  # (n, columns) each
        # full scale is lost, not bright: a level must not be taken of it
        level, share = self._levels(few * (lines != FULL_SCALE))
        least, most = self._bounds
        covered = share < _LEAST  # all but covered, or of no one level
        outside = ~((level >= least) & (level <= most))  # written so that NaN is outside
        restless = np.zeros(len(few), np.bool_)
        if self._noise > 0 and few.size:
            difference = cv2.absdiff(few, transmission.take(self._beside, 1)) @ self._share
            restless = difference > max(_RESTLESS * self._noise, _ROUGH)
            outside |= restless | (difference < _FLAT * self._noise)
        repeated = self._were_seen(lines) if self._noise > 0 else np.zeros(len(few), np.bool_)
        own = ~(covered | outside | repeated)
        for index, (found, sure, fit) in enumerate(zip(level.tolist(), share > _SURE, own.tolist(), strict=True)):
            if fit and (sure or abs(found - self._last) < _JUMP * self._last):
                self._last = found
            else:
                level[index] = self._last
        # a line without any air of its own, yet far darker than what covers a belt leaves, is no line of rock
        lost = outside & (~covered | (few.max(axis=1, initial=0) < least / 5) | restless)
        return level, lost, repeated

    def _levels(self, lines: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return air (n,) as a clipped mean about the bright part of each line, and the share (n,) of it."""
        count = lines.shape[1]
        if not lines.size:
            return np.full(len(lines), np.nan, np.float32), np.zeros(len(lines), np.float32)
        place = int(_BRIGHT * (count - 1))
        level = np.partition(lines, place, axis=1)[:, place]  # (n,)
        air = np.empty_like(lines)
        share = level
        for _ in range(3):
            np.subtract(lines, level[:, None], out=air)  # (n, columns)
            np.abs(air, out=air)
            np.less_equal(air, self._spread * np.maximum(level, np.float32(0.1))[:, None], out=air)  # 1 is air
            share = air @ self._share  # (n,)
            air *= lines
            level = np.asarray(air @ self._share / np.maximum(share, np.float32(1 / count)), np.float32)
        return level, share

    def _were_seen(self, lines: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Tell which of these lines (n, columns), enough to tell lines apart, repeat one of the last ones."""
        # whatever differs anywhere has another sum, but for one time in 10^19
        marks = np.einsum("ij,j->i", lines.astype(np.uint64), self._factors).tolist()
        found, count = [], self._count
        for mark in marks:
            before = self._seen.get(mark)
            if before is None:
                before = self._older.get(mark)
            found.append(before is not None and count - before < _KEPT)
            self._seen[mark] = count
            count += 1
            if len(self._seen) >= _KEPT:
                self._seen, self._older = {}, self._seen
        self._count = count
        return np.array(found, np.bool_)
