"""What each line of a layer has in common, known before anything is masked, and lines that show nothing."""

import zlib

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
        self._seen: dict[int, int] = {}  # checksum of a line: when it was seen last
        self._count = 0

    def __call__(
        self, transmission: NDArray[np.float32], counts: NDArray[np.uint16]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return of lines (n, belt) their level (n,), and which are lost by level and which by repetition, (n,) each.

        `counts` are the same lines as they came. A line with hardly any air takes the level of the one before.
        """
        # indexed so, an array lies column by column in memory: sums along lines are made in that order
        few, lines = transmission[:, self._columns], counts[:, self._columns]  # (n, columns) each
        # full scale is lost, not bright: a level must not be taken of it
        level, share = self._levels(np.where(lines == FULL_SCALE, np.float32(0), few))
        least, most = self._bounds
        covered = share < _LEAST  # all but covered, or of no one level
        outside = ~((level >= least) & (level <= most))  # written so that NaN is outside
        restless = np.zeros(len(few), np.bool_)
        if self._noise > 0:
            beside = transmission[:, self._beside]
            difference = np.abs(few - beside).mean(axis=1) if few.size else np.zeros(len(few))
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
        share = np.zeros_like(level)
        for _ in range(3):
            off = lines - level[:, None]  # (n, columns)
            air = np.abs(off, out=off) <= (self._spread * np.maximum(level, 0.1))[:, None]
            total = cv2.reduce(air.T.view(np.uint8), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]  # (n,)
            np.multiply(lines, air, out=off)
            level = (off.sum(axis=1) / np.maximum(total, 1)).astype(np.float32)
            share = (total / count).astype(np.float32)
        return level, share

    def _were_seen(self, lines: NDArray[np.uint16]) -> NDArray[np.bool_]:
        """Tell which of these lines (n, columns), enough to tell lines apart, repeat one of the last ones."""
        found = np.zeros(len(lines), np.bool_)
        data, size = lines.tobytes(), lines.shape[1] * lines.itemsize
        for index in range(len(lines)):
            mark = zlib.crc32(data[index * size : (index + 1) * size])
            before = self._seen.pop(mark, None)
            self._seen[mark] = self._count
            self._count += 1
            if len(self._seen) > _KEPT:
                self._seen.pop(next(iter(self._seen)))  # the oldest
            found[index] = before is not None and self._count - before <= _KEPT
        return found
