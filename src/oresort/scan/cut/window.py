"""The stretch of a scan that is in memory: both layers as transmission with their masks, by absolute lines."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from oresort.files.dataset import Cutting
from oresort.scan.calibrate.calibration import Calibration
from oresort.scan.calibrate.correct import line_levels
from oresort.scan.cut.covered import Covered
from oresort.scan.cut.held import BELOW, HALO, Around, Box, Held, grown, lines_below, seen, seen_columns
from oresort.scan.cut.unknown import Unknown, Unseen
from oresort.scan.health.judge import Judge
from oresort.scan.health.patch import Patch
from oresort.scan.health.patches import REACH as JUDGED
from oresort.scan.health.running import Running
from oresort.scan.lines import Lines
from oresort.scan.segment.mask import REACH
from oresort.scan.segment.regions import Region

_LEVELLED = 1  # lines below a particle whose own level is awaited: on those farther down depends 1 count of 52,350
_LAG = 2.0  # lines between the layers from which one shows nothing of where the other is bare
_ENDLESS = 1_000  # lines that a column may be covered without a break: 0.4 m, longer than any particle


class Window:
    """The one owner of a scan's lines.

    A line goes through three stages, each some lines behind the one before: judged; masked and levelled, once all that
    a mask depends on is judged; ready to be cut, once all that may lie around a particle is masked.
    """

    def __init__(self, calibration: Calibration, options: Cutting) -> None:
        belt = calibration.belt
        columns = calibration.low, calibration.high
        self._judge = Judge(columns, belt, options.correct)
        self._running = Running(np.stack([layer.noise[belt] for layer in columns]))
        self._correct, self._reach = options.correct, REACH[options.mask]
        self._width = belt.stop - belt.start
        self._lines = self._judge.lines
        self._levels = Lines[np.float32]((2,), np.float32)  # of lines of which it is known what is bare
        self._covers = [Covered(options.mask, layer.level, self._width) for layer in columns]
        self._ready = 0  # first line that is not ready to be cut
        self._covered = np.zeros(self._width, np.int64)  # lines for which each column was covered without a break
        self._stuck = False  # some column for longer than any particle is
        self._unknown, self._unseen = Unknown(calibration), Unseen(columns[0].dead[belt])
        # which column of the low layer sees what a column of the high layer sees
        self._fit = fit = calibration.registration
        scale, offset, lag = (1.0, 0.0, 0.0) if fit is None else (fit.scale, fit.column_offset, fit.row_offset)
        self.halo = max(HALO, HALO // 2 + math.ceil(abs(lag)))  # lines around whatever is cut
        self._down = lines_below(options)  # of the high layer's own mask
        far = max(self._down, BELOW + math.ceil(abs(lag)))  # lines below whatever is cut that have to be judged
        self._below = max(_LEVELLED + math.ceil(abs(lag)), far - self._reach)
        self.ahead = JUDGED + self._reach + self._below  # lines that are looked ahead
        self._taps = seen_columns(calibration)
        self._registered = options.crops == "registered"
        places = np.arange(self._width) / scale + (belt.start - offset) / scale - belt.start
        self._partner = np.rint(places).astype(np.intp).clip(0, self._width - 1)  # (W,)
        if abs(lag) <= _LAG:
            del self._covers[1]

    def take(
        self, counts: tuple[NDArray[np.uint16], NDArray[np.uint16]], last: bool
    ) -> tuple[list[Patch], list[Patch]]:
        """Add lines of both layers (n, columns of the scan); return what is faulty on those that are judged by now."""
        judged, (low, high) = self._judge.take(counts, last)
        found = low + self._endless(judged), high
        for layer, patches in enumerate(found):
            self._unknown.add(layer, patches)
        self._unseen.add(found[0])
        self._mask(last)
        return found

    def ready(self, last: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the weak and the strong mask (n, W) of the lines that have become ready to be cut."""
        # registration reads lines around a particle, which must be levelled by then
        end, masks = self._levels.end, self._covers[0]
        start, self._ready = self._ready, end if last else max(end - self._below, self._ready)
        return masks.weak.between(start, self._ready), masks.strong.between(start, self._ready)

    def swing(self) -> list[tuple[float, float]]:
        """Return of each layer how far air fell and rose, see `LineLevels.swing`."""
        return self._judge.swing()

    def forget(self, needed: int) -> None:
        """Forget the lines that line `needed` and those after it do not need."""
        line = needed - self.halo
        self._lines.forget(line)
        self._levels.forget(line)
        self._unknown.forget(line)
        for cover in self._covers:
            cover.forget(line)

    def _endless(self, judged: NDArray[np.float32]) -> list[Patch]:
        """Make columns bare that have been covered for longer than any particle is, and return where."""
        if not self._stuck or not len(judged):
            return []
        self._judge.keep()
        low, stuck = judged[:, 0], self._covered >= _ENDLESS
        stuck &= low.mean(axis=0) < 0.95  # else it shows the belt again
        self._covered[~stuck & (self._covered >= _ENDLESS)] = 0
        low[:, stuck] = 1
        end = self._judge.next
        edges = np.flatnonzero(np.diff(stuck.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)  # (runs, 2)
        return [Patch("covered", end - len(judged), end, left, right, False) for left, right in edges.tolist()]

    def _mask(self, last: bool) -> None:
        """Mask the lines of which enough is judged, and level those of which enough is masked, or all of the last."""
        done, end = self._levels.end, self._judge.next
        for layer, cover in enumerate(self._covers):
            cover.add(self._lines, end, layer, self._running.noise[layer], last)
        final = end if last else max(end - self._reach, done)
        if final == done:
            return
        lines, count = self._lines.between(done, final), final - done  # (n, 2, W)
        empty = np.empty(lines.shape, np.uint8)
        for layer, cover in enumerate(self._covers):
            empty[:, layer] = cover.bare(done, final)
        self._unseen.clear(empty[:, 0], done)
        if len(self._covers) == 1:
            # a lag of a line or two does not matter: bare belt keeps three pixels off anything. Columns are taken as
            # lines, in a quarter of the time
            empty[:, 1] = cv2.transpose(cv2.transpose(empty[:, 0]).take(self._partner, 0))
        level = np.ones((count, 2), np.float32)
        if self._correct:
            flat = lines.reshape(count, 2 * self._width), empty.reshape(count, 2 * self._width)
            shown = np.asarray(cv2.copyTo(*flat), np.float32).reshape(lines.shape)  # 0 where it is not bare
            level = line_levels(shown, empty)
            self._judge.adapt(self._running.add(lines, level, shown, empty))
        self._levels.append(level)
        covered = cv2.reduce(self._covers[0].weak.between(done, final), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]  # (W,)
        going = covered > 0.9 * count
        if self._stuck:
            going |= self._covered >= _ENDLESS
        self._covered += count
        self._covered *= going
        self._stuck = bool(self._covered.max() >= _ENDLESS)

    def hold(self, region: Region) -> Held:
        """Return a region that has ended with all that it takes to part it and to cut its particles."""
        box = Box(region.y, region.x, *region.mask.shape)
        rows, columns, masks = slice(box.y, box.y + box.h), slice(box.x, box.x + box.w), self._covers[0]
        areas = []
        if self._fit is not None:
            areas.append(seen(box, self._fit, self._taps, self._lines.end, self._down))
        if not self._registered:
            areas.append(grown(box, HALO, self._down))
        tops, bottoms, lefts, rights = zip(*areas, strict=True)
        high = self._around(1, min(tops), max(bottoms), min(lefts), max(rights))
        return Held(
            region,
            self._around(0, *grown(box, 0, 0)).values,
            masks.weak.between(rows.start, rows.stop)[:, columns].view(np.bool_).copy(),
            high,
            # of smoothed bare belt, as it is now
            self._running.noise[1, high.left : high.left + high.values.shape[1]].copy(),
            self._unknown.of(rows.start, rows.stop),
            self._lines.end,
        )

    def _around(self, layer: int, top: int, bottom: int, left: int, right: int) -> Around:
        """Return a layer's transmission on some lines and columns, as far as the scan goes."""
        lines = self._lines.between(top, bottom)[:, layer, max(left, 0) : right]  # (n, w), fewer at the scan's end
        levels = self._levels.between(top, bottom)[:, layer, None]  # (m, 1)
        if len(levels) < len(lines):
            # what is bare farther below is not known yet: its level is that of the last line of which it is
            levels = np.concatenate([levels, np.repeat(levels[-1:], len(lines) - len(levels), axis=0)])
        return Around(lines / levels, max(top, self._lines.top), max(left, 0))
